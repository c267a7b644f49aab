"""Agents, users and the events of ServiceDesk

Revision ID: cee49e850502
Revises:
Create Date: 2025-10-28 09:12:44
"""
import sqlalchemy as sa
from alembic import op

revision = "cee49e850502"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), primary_key=True),
        sa.Column("username", sa.Text(), nullable=False, unique=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
    )
    op.create_table(
        "agents",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("status", sa.Text(), nullable=False, server_default="draft"),
    )


def downgrade() -> None:
    op.drop_table("agents")
    op.drop_table("users")
