"""Agents know their MCP tools

Revision ID: f031ea488d6d
Revises: 6e13ea30c0a3
Create Date: 2025-11-18 11:03:27
"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "f031ea488d6d"
down_revision = "6e13ea30c0a3"


def upgrade() -> None:
    op.add_column("agents", sa.Column("mcp_tools", postgresql.JSONB(), nullable=True))
    op.drop_column("agents", "status")


def downgrade() -> None:
    pass
