"""Transactions move units: their states, and the effect of each recorded range."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0003_blocks")]
    operations = [
        migrations.RunSQL(
            sql("0004_transactions.sql") + sql("0004_freezes.sql") + sql("0004_limits.sql"),
            reverse_sql="""
        DROP FUNCTION registry_limit_is_kept_in_order, registry_ranges_count, registry_ended_transaction_counts,
            registry_daily_use_follows_ranges, registry_holding_limit_follows_the_ledger CASCADE;
        DROP FUNCTION registry_account_gets_its_holding_limit CASCADE;
        DROP FUNCTION registry_holding_limits_are_stale, registry_limits_by_rule;
        DROP TABLE registry_holdingrule;
        DROP FUNCTION registry_set_holding_limits, registry_pending_for, registry_held_by, registry_count_for_holders,
            registry_count_for_senders, registry_limits_of, registry_sent_on, registry_type_is_limited;
        DROP TABLE registry_holdinglimit, registry_dailyuse, registry_limit;
        DROP VIEW registry_privateaccount;
        DROP FUNCTION registry_transaction_keeps_to_its_states, registry_range_takes_effect, registry_transaction_ends,
            registry_range_is_well_formed, registry_ranges_make_up_the_quantity, registry_transaction_has_ranges,
            registry_closed_account_is_empty CASCADE;
        DROP FUNCTION registry_step_takes_effect, registry_freeze_takes_effect, registry_freezes_alone_freeze CASCADE;
        DROP FUNCTION registry_conversion_is_whole CASCADE;
        DROP FUNCTION registry_range_carries_over, registry_carry_over_rule, registry_carried_over;
        DROP FUNCTION registry_range_converts, registry_conversion_rule, registry_converted, registry_convert,
            registry_range_is_converted;
        DROP FUNCTION registry_range_undoes, registry_undo_limit_days, registry_may_approve, registry_must_wait,
            registry_mark_frozen, registry_lock_holders, registry_has_role, registry_freezing, registry_holds,
            registry_holds_elsewhere;
        DROP FUNCTION registry_blocks_with;
        DROP TABLE registry_freeze;
        DROP FUNCTION registry_linked_transaction, registry_linked_transaction_ends;
        DROP FUNCTION registry_mint, registry_rehouse;
    """,
        )
    ]
