-- A freeze stops a transaction, an account or a range of serials at once; the row is the lever. One person freezes, two release.
-- A unit is frozen wherever it has gone since: the mark stands on the blocks, not on who holds them.
CREATE TABLE registry_freeze (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jurisdiction_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    transaction_id uuid REFERENCES registry_transaction (id),
    account_id bigint REFERENCES accounts_account (id),
    origin_id bigint REFERENCES accounts_jurisdiction (id),
    first_no bigint,
    next_no bigint,
    reason text NOT NULL CONSTRAINT freeze_has_a_reason CHECK (reason <> ''),
    reference text NOT NULL DEFAULT '',
    review_on date NOT NULL,
    frozen_by_id bigint NOT NULL REFERENCES accounts_user (id),
    frozen_at timestamptz NOT NULL,
    release_requested_by_id bigint REFERENCES accounts_user (id),
    release_requested_at timestamptz,
    release_reason text NOT NULL DEFAULT '',
    released_by_id bigint REFERENCES accounts_user (id),
    released_at timestamptz,
    CONSTRAINT freeze_is_of_one_thing CHECK (num_nonnulls(transaction_id, account_id, origin_id) = 1
        AND num_nonnulls(origin_id, first_no, next_no) IN (0, 3) AND first_no >= 1 AND first_no < next_no),
    CONSTRAINT two_release CHECK (released_by_id <> release_requested_by_id),
    CONSTRAINT release_is_asked_then_given CHECK (num_nulls(release_requested_by_id, release_requested_at) IN (0, 2)
        AND num_nulls(released_by_id, released_at) IN (0, 2) AND (released_by_id IS NULL OR release_requested_by_id IS NOT NULL)
        AND release_requested_at >= frozen_at AND released_at >= release_requested_at),
    -- As of transactions: no time is infinite or beyond what a reader's clock can say.
    CONSTRAINT times_are_of_this_age CHECK (frozen_at >= '1990-01-01Z' AND review_on BETWEEN '1990-01-01' AND '8999-12-31'
        AND greatest(frozen_at, release_requested_at, released_at) < '9000-01-01Z')
);
CREATE INDEX freezes_of_a_transaction ON registry_freeze (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX freezes_of_an_account ON registry_freeze (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX freezes_of_serials ON registry_freeze USING gist (origin_id, int8range(first_no, next_no))
    WHERE origin_id IS NOT NULL AND released_at IS NULL;

-- Mark every unit of a range that no other freeze has marked, cutting blocks at its ends.
CREATE FUNCTION registry_mark_frozen(given registry_freeze) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    block registry_unitblock;
    edge bigint;
BEGIN
    -- Who holds the units is locked first, as every movement does, and looked at again: they may have moved meanwhile.
    PERFORM FROM accounts_account WHERE NOT retires AND id IN (SELECT b.account_id FROM registry_unitblock b
        WHERE b.origin_id = given.origin_id AND b.start_no < given.next_no AND b.end_no > given.first_no)
    ORDER BY id FOR NO KEY UPDATE;
    FOREACH edge IN ARRAY ARRAY[given.next_no, given.first_no] LOOP
        SELECT * INTO block FROM registry_unitblock b
        WHERE b.origin_id = given.origin_id AND b.start_no < edge ORDER BY b.start_no DESC LIMIT 1 FOR UPDATE;
        IF block.end_no > edge THEN
            UPDATE registry_unitblock b SET start_no = edge WHERE b.id = block.id;
        ELSIF block.end_no IS NULL AND edge > 1 THEN
            RAISE EXCEPTION 'serials from % are not issued yet', block.start_no USING ERRCODE = 'check_violation', CONSTRAINT = 'frozen_serials_are_issued';
        END IF;
    END LOOP;
    UPDATE registry_unitblock b SET frozen_by = given.id
    WHERE b.origin_id = given.origin_id AND b.start_no >= given.first_no AND b.end_no <= given.next_no AND b.frozen_by IS NULL;
END $$;

CREATE FUNCTION registry_freeze_takes_effect() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stopped registry_transaction;
    other registry_freeze;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.release_requested_by_id IS NOT NULL THEN
            RAISE EXCEPTION 'a freeze begins unreleased' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF NEW.transaction_id IS NOT NULL THEN
            SELECT * INTO stopped FROM registry_transaction WHERE id = NEW.transaction_id FOR UPDATE;
            IF stopped.state IN ('AWAITING_APPROVAL', 'DELAYED', 'PROPOSED') THEN
                INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, reason)
                VALUES (stopped.id, 'frozen', stopped.state, 'ON_HOLD', NEW.frozen_by_id, NEW.frozen_at, NEW.reason);
            ELSIF stopped.state <> 'ON_HOLD' THEN
                RAISE EXCEPTION 'transaction % is % and cannot be held', stopped.id, stopped.state USING ERRCODE = 'serialization_failure';
            END IF;
        ELSIF NEW.account_id IS NOT NULL THEN
            UPDATE accounts_account SET frozen = true WHERE id = NEW.account_id;
        ELSE
            PERFORM registry_mark_frozen(NEW);
        END IF;
        RETURN NULL;
    ELSIF TG_OP = 'DELETE' OR OLD.released_at IS NOT NULL OR OLD.release_requested_by_id IS NOT NULL AND
            (NEW.release_requested_by_id, NEW.release_requested_at) IS DISTINCT FROM (OLD.release_requested_by_id, OLD.release_requested_at)
            OR (to_jsonb(NEW) - '{release_requested_by_id,release_requested_at,release_reason,released_by_id,released_at}'::text[])
            <> (to_jsonb(OLD) - '{release_requested_by_id,release_requested_at,release_reason,released_by_id,released_at}'::text[]) THEN
        RAISE EXCEPTION 'a freeze is released once, by two, and otherwise stays' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.released_at IS NULL THEN
        RETURN NULL;
    ELSIF NEW.transaction_id IS NOT NULL THEN
        SELECT * INTO stopped FROM registry_transaction WHERE id = NEW.transaction_id FOR UPDATE;
        IF NOT EXISTS (SELECT FROM registry_freeze f WHERE f.transaction_id = NEW.transaction_id AND f.released_at IS NULL) THEN
            INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, reason)
            VALUES (stopped.id, 'released', 'ON_HOLD', stopped.resumes_to, NEW.released_by_id, NEW.released_at, NEW.release_reason);
        END IF;
    ELSIF NEW.account_id IS NOT NULL THEN
        PERFORM FROM accounts_account WHERE id = NEW.account_id FOR NO KEY UPDATE;
        UPDATE accounts_account a SET frozen = EXISTS (SELECT FROM registry_freeze f WHERE f.account_id = a.id AND f.released_at IS NULL)
        WHERE a.id = NEW.account_id;
    ELSE
        UPDATE registry_unitblock SET frozen_by = NULL WHERE origin_id = NEW.origin_id AND frozen_by = NEW.id;
        -- What another freeze covers stays frozen by that one.
        FOR other IN SELECT * FROM registry_freeze f WHERE f.origin_id = NEW.origin_id AND f.released_at IS NULL
                AND int8range(f.first_no, f.next_no) && int8range(NEW.first_no, NEW.next_no) ORDER BY f.id LOOP
            PERFORM registry_mark_frozen(other);
        END LOOP;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER freezes_take_effect AFTER INSERT OR UPDATE OR DELETE ON registry_freeze
    FOR EACH ROW EXECUTE FUNCTION registry_freeze_takes_effect();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_freeze EXECUTE FUNCTION registry_never_changes();

-- A mark on blocks or accounts is the work of a freeze alone.
CREATE FUNCTION registry_freezes_alone_freeze() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only a recorded freeze freezes or releases' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_open_unfrozen BEFORE INSERT ON accounts_account
    FOR EACH ROW WHEN (NEW.frozen) EXECUTE FUNCTION registry_freezes_alone_freeze();
CREATE TRIGGER only_freezes_freeze_accounts BEFORE UPDATE OF frozen ON accounts_account
    FOR EACH ROW WHEN (NEW.frozen <> OLD.frozen) EXECUTE FUNCTION registry_freezes_alone_freeze();
CREATE TRIGGER only_freezes_freeze_blocks BEFORE UPDATE OF frozen_by ON registry_unitblock
    FOR EACH ROW WHEN (NEW.frozen_by IS DISTINCT FROM OLD.frozen_by) EXECUTE FUNCTION registry_freezes_alone_freeze();
