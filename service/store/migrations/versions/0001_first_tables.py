"""Conversations, rubrics, drafts and idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _name(length: int = 200) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("digest", _name(80), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("stored_at", _moment(), nullable=False),
    )
    op.create_index("ix_conversations_stored_at", "conversations", ["stored_at"])
    op.create_table(
        "rubrics",
        sa.Column("digest", _name(80), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("stored_at", _moment(), nullable=False),
    )
    op.create_table(
        "published_rubrics",
        sa.Column("rubric_id", _name(), primary_key=True),
        sa.Column("version", _name(80), primary_key=True),
        sa.Column("digest", _name(80), sa.ForeignKey("rubrics.digest"), nullable=False),
        sa.Column("published_at", _moment(), nullable=False),
    )
    op.create_index("ix_published_rubrics_digest", "published_rubrics", ["digest"])
    op.create_table(
        "drafts",
        sa.Column("id", _name(), primary_key=True),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("conversation_digest", _name(80), sa.ForeignKey("conversations.digest"), nullable=False),
        sa.Column("rubric_id", _name(), nullable=False),
        sa.Column("rubric_version", _name(80), nullable=False),
        sa.Column("rubric_digest", _name(80), sa.ForeignKey("rubrics.digest"), nullable=False),
        sa.Column("channel", _name(20), nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("engine", _name(20), nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("unscored", sa.Integer, nullable=False),
        sa.Column("percent", sa.Float),
        sa.Column("low", sa.Float),
        sa.Column("high", sa.Float),
        sa.Column("passed", sa.Boolean),
        sa.Column("band", sa.Text),
        sa.Column("auto_failed", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_drafts_page", "drafts", ["created_at", "id"])
    op.create_index("ix_drafts_rubric", "drafts", ["rubric_id", "rubric_version", "created_at", "id"])
    op.create_index("ix_drafts_conversation", "drafts", ["conversation_id", "created_at", "id"])
    op.create_index("ix_drafts_conversation_digest", "drafts", ["conversation_digest"])
    op.create_index("ix_drafts_rubric_digest", "drafts", ["rubric_digest"])
    op.create_table(
        "idempotency_keys",
        sa.Column("key", _name(255), primary_key=True),
        sa.Column("body_digest", _name(80), nullable=False),
        sa.Column("token", _name(80), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("lease_until", _moment(), nullable=False),
        sa.Column("evaluation_id", _name(), sa.ForeignKey("drafts.id")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_index("ix_idempotency_keys_evaluation_id", "idempotency_keys", ["evaluation_id"])
