"""Events of ServiceDesk are kept

Revision ID: 6e13ea30c0a3
Revises: cee49e850502
Create Date: 2025-11-06 15:40:02
"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "6e13ea30c0a3"
down_revision = "cee49e850502"


def upgrade() -> None:
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), primary_key=True),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def downgrade() -> None:
    op.drop_table("webhook_events")
