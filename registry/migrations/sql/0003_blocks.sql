-- What may happen to a unit block, whoever writes. A living block changes only its start and its attributes; its end is
-- for ever. `UPDATE ... SET start_no = k, account_id = a` gives [k, end) to a; the trigger keeps the rest, [start, k), as
-- it was. So a block cannot be shortened: no statement on this table loses, invents or overlaps a serial.

-- What must look into another table does so inside an IF of its own: a condition with a query in it is not computed in place but run as
-- a statement, whatever its first half says, and this is asked of every block that moves.
CREATE FUNCTION registry_block_may_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND (NEW.start_no < 1 OR num_nulls(NEW.series_id, NEW.issue_first, NEW.issue_next, NEW.account_id,
            NEW.retired) NOT IN (0, 5) OR NEW.account_id IS NOT NULL AND NEW.end_no IS NULL OR NEW.retired AND NEW.held_for IS NOT NULL
            OR NEW.account_id IS NULL AND (NEW.held_for IS NOT NULL OR NEW.frozen_by IS NOT NULL OR NEW.recognition_id <> 0)) THEN
        RAISE EXCEPTION 'a block is a run of units that somebody holds, or an unbound filler; no retired one is reserved'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'block_is_well_formed';
    END IF;
    IF TG_OP = 'INSERT' THEN
        -- Depth 2: the remainder of a cut. Depth 1: only the first, open block of a new registry.
        IF pg_trigger_depth() < 2 AND NOT (NEW.start_no = 1 AND NEW.end_no IS NULL) THEN
            RAISE EXCEPTION 'unit blocks come only from an act of issuance' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF NEW.end_no IS NULL THEN
            IF NOT EXISTS (SELECT FROM accounts_jurisdiction j WHERE j.id = NEW.origin_id) THEN
                RAISE EXCEPTION 'serials are of a registry' USING ERRCODE = 'foreign_key_violation';
            END IF;
        END IF;
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        IF pg_trigger_depth() < 2 THEN
            RAISE EXCEPTION 'unit blocks are never deleted' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF (NEW.id, NEW.origin_id) <> (OLD.id, OLD.origin_id) OR NEW.end_no IS DISTINCT FROM OLD.end_no THEN
        RAISE EXCEPTION 'a unit block keeps its end' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.account_id IS NOT NULL AND (NEW.series_id, NEW.issue_first, NEW.issue_next)
            IS DISTINCT FROM (OLD.series_id, OLD.issue_first, OLD.issue_next) THEN
        RAISE EXCEPTION 'a unit keeps its type and vintage for life' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.account_id, NEW.recognition_id) IS DISTINCT FROM (OLD.account_id, OLD.recognition_id) THEN
        IF NEW.account_id IS NULL THEN
            RAISE EXCEPTION 'an issued unit never vanishes' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF OLD.frozen_by IS NOT NULL THEN
            RAISE EXCEPTION 'frozen units move nowhere' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF OLD.retired THEN
            IF NOT EXISTS (SELECT FROM registry_transactionblock r
                    JOIN registry_transaction t ON t.id = r.transaction_id JOIN registry_transactiontype k ON k.code = t.type_id
                    WHERE r.origin_id = NEW.origin_id AND int8range(r.first_no, r.next_no) @> int8range(NEW.start_no, NEW.end_no)
                        AND k.effect = 'restore' AND t.state = 'COMPLETED' AND t.recorded_in = pg_current_xact_id()
                        AND (r.from_account_id, r.to_account_id) = (OLD.account_id, NEW.account_id)) THEN
                RAISE EXCEPTION 'retired units never move again, but by a reversal that names them' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
        ELSIF OLD.account_id IS NULL THEN
            IF NOT EXISTS (SELECT FROM registry_issue i WHERE (i.origin_id, i.series_id, i.first_no,
                    i.next_no) = (NEW.origin_id, NEW.series_id, NEW.issue_first, NEW.issue_next)) THEN
                RAISE EXCEPTION 'units come only from an act of issuance' USING ERRCODE = 'foreign_key_violation';
            END IF;
        END IF;
    END IF;
    IF NEW.recognition_id <> OLD.recognition_id THEN
        IF NOT EXISTS (SELECT FROM registry_recognition r WHERE r.id = NEW.recognition_id) THEN
            RAISE EXCEPTION 'a unit is recognised by a row that is there' USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    IF NEW.held_for IS NOT NULL AND NEW.held_for IS DISTINCT FROM OLD.held_for AND OLD.frozen_by IS NOT NULL THEN
        RAISE EXCEPTION 'frozen units are promised to nobody' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.account_id, NEW.recognition_id, NEW.held_for, NEW.retired)
            IS DISTINCT FROM (OLD.account_id, OLD.recognition_id, OLD.held_for, OLD.retired) THEN
        IF pg_trigger_depth() < 2 THEN
            RAISE EXCEPTION 'units move only by a recorded transaction' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    IF NEW.start_no < OLD.start_no THEN
        -- Merging: the left neighbour, alike in everything, is absorbed whole.
        DELETE FROM registry_unitblock b
        WHERE b.origin_id = OLD.origin_id AND b.start_no = NEW.start_no AND b.end_no = OLD.start_no
            AND (b.series_id, b.issue_first, b.issue_next, b.account_id, b.recognition_id, b.held_for, b.frozen_by)
                IS NOT DISTINCT FROM
                (OLD.series_id, OLD.issue_first, OLD.issue_next, OLD.account_id, OLD.recognition_id, OLD.held_for, OLD.frozen_by)
            AND (NEW.account_id, NEW.recognition_id, NEW.held_for, NEW.frozen_by)
                IS NOT DISTINCT FROM (OLD.account_id, OLD.recognition_id, OLD.held_for, OLD.frozen_by);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'only like neighbours merge' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION registry_block_has_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    size bigint := NEW.end_no - NEW.start_no;
BEGIN
    IF NEW.start_no > OLD.start_no THEN
        INSERT INTO registry_unitblock (origin_id, start_no, end_no, series_id, issue_first, issue_next, account_id,
            retired, recognition_id, held_for, frozen_by)
        VALUES (OLD.origin_id, OLD.start_no, NEW.start_no, OLD.series_id, OLD.issue_first, OLD.issue_next,
            OLD.account_id, OLD.retired, OLD.recognition_id, OLD.held_for, OLD.frozen_by);
    END IF;
    IF (NEW.account_id, NEW.recognition_id) IS DISTINCT FROM (OLD.account_id, OLD.recognition_id) THEN
        IF OLD.account_id IS NOT NULL THEN
            UPDATE registry_holding
            SET quantity = quantity - size, reserved = reserved - CASE WHEN OLD.held_for IS NULL THEN 0 ELSE size END
            WHERE account_id = OLD.account_id AND series_id = OLD.series_id AND recognition_id = OLD.recognition_id;
        END IF;
        UPDATE registry_holding
        SET quantity = quantity + size, reserved = reserved + CASE WHEN NEW.held_for IS NULL THEN 0 ELSE size END
        WHERE account_id = NEW.account_id AND series_id = NEW.series_id AND recognition_id = NEW.recognition_id;
        IF NOT FOUND THEN
            -- Two first receipts of a sink may race; the second then adds to the row of the first.
            INSERT INTO registry_holding AS h (account_id, series_id, recognition_id, quantity, reserved)
            VALUES (NEW.account_id, NEW.series_id, NEW.recognition_id, size,
                CASE WHEN NEW.held_for IS NULL THEN 0 ELSE size END)
            ON CONFLICT (account_id, series_id, recognition_id) DO UPDATE
            SET quantity = h.quantity + excluded.quantity, reserved = h.reserved + excluded.reserved;
        END IF;
    ELSIF NEW.held_for IS DISTINCT FROM OLD.held_for THEN
        UPDATE registry_holding
        SET reserved = reserved + CASE WHEN NEW.held_for IS NULL THEN 0 ELSE size END
                                - CASE WHEN OLD.held_for IS NULL THEN 0 ELSE size END
        WHERE account_id = NEW.account_id AND series_id = NEW.series_id AND recognition_id = NEW.recognition_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER blocks_change_by_rule BEFORE INSERT OR UPDATE OR DELETE ON registry_unitblock
    FOR EACH ROW EXECUTE FUNCTION registry_block_may_change();
CREATE TRIGGER blocks_keep_balances AFTER UPDATE ON registry_unitblock
    FOR EACH ROW EXECUTE FUNCTION registry_block_has_changed();

-- Balances follow the blocks; nobody writes them.
CREATE FUNCTION registry_balances_follow_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'balances are kept by the blocks alone' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER balances_follow_blocks BEFORE INSERT OR UPDATE OR DELETE ON registry_holding
    FOR EACH ROW EXECUTE FUNCTION registry_balances_follow_blocks();

-- What is written once and for ever: unit types, issues, series, recognitions, answers, ranges; and no table is emptied.
CREATE FUNCTION registry_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows never change', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER unit_types_never_change BEFORE UPDATE OR DELETE ON registry_unittype
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER transaction_types_stay BEFORE UPDATE OF code OR DELETE ON registry_transactiontype
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER issues_never_change BEFORE UPDATE OR DELETE ON registry_issue
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER series_never_change BEFORE UPDATE OR DELETE ON registry_series
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER recognitions_never_change BEFORE UPDATE OR DELETE ON registry_recognition
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER validities_never_change BEFORE UPDATE OR DELETE ON registry_unitvalidity
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER answers_never_change BEFORE UPDATE OR DELETE ON registry_answer
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER ranges_never_change BEFORE UPDATE OR DELETE ON registry_transactionblock
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['registry_issue', 'registry_series', 'registry_recognition', 'registry_answer',
        'registry_transactionblock', 'registry_transaction', 'registry_unitblock', 'registry_holding',
        'registry_transactiontype', 'registry_unitvalidity'] LOOP
        EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %I EXECUTE FUNCTION registry_never_changes()', name);
    END LOOP;
END $$;

-- An issue is counted under its cap by the database itself.
CREATE FUNCTION registry_issue_counts_under_its_cap() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'units are issued only by a recorded transaction' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE registry_issuancecap SET issued = issued + (NEW.next_no - NEW.first_no) WHERE id = NEW.cap_id;
    RETURN NEW;
END $$;
CREATE TRIGGER issues_count_under_their_cap BEFORE INSERT ON registry_issue
    FOR EACH ROW EXECUTE FUNCTION registry_issue_counts_under_its_cap();
CREATE FUNCTION registry_cap_counts_issues() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'issuance caps are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.issued <> 0 THEN
            RAISE EXCEPTION 'a new cap has nothing issued under it' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF NEW.issued <> OLD.issued AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'what is issued under a cap is counted by the issues alone' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF (NEW.unit_type_id, NEW.vintage) <> (OLD.unit_type_id, OLD.vintage) THEN
        RAISE EXCEPTION 'a cap keeps its unit type and vintage' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER caps_count_issues BEFORE INSERT OR UPDATE OR DELETE ON registry_issuancecap
    FOR EACH ROW EXECUTE FUNCTION registry_cap_counts_issues();
