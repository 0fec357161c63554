-- A freeze stops a transaction, an account or a range of serials at once; the row is the lever. One person freezes, two release.
-- The mark stands on the blocks, not on who holds them. A freeze of serials marks those that are in its own registry, whoever issued
-- them; what lies in another is held there, for a time, where the terms of a link say so (registry_holds_elsewhere).
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
    -- Who took back the latest request that was taken back, and when; the log has them all.
    request_withdrawn_by_id bigint REFERENCES accounts_user (id),
    request_withdrawn_at timestamptz,
    released_by_id bigint REFERENCES accounts_user (id),
    released_at timestamptz,
    -- A hold: another registry froze these serials, and by the terms of a link they are held here until `expires_at`. It ends by itself
    -- then, with the freeze that it is a notice of, or when a freeze of this registry takes its place.
    notice_of_id bigint REFERENCES registry_freeze (id),
    agreement_id bigint,
    expires_at timestamptz,
    confirmed_by_id bigint REFERENCES registry_freeze (id),
    CONSTRAINT hold_is_of_serials_for_a_time CHECK (num_nonnulls(notice_of_id, agreement_id, expires_at) IN (0, 3)
        AND (notice_of_id IS NULL OR origin_id IS NOT NULL AND expires_at > frozen_at)
        AND (confirmed_by_id IS NULL OR notice_of_id IS NOT NULL AND released_at IS NOT NULL AND released_by_id IS NULL)),
    CONSTRAINT freeze_is_of_one_thing CHECK (num_nonnulls(transaction_id, account_id, origin_id) = 1
        AND num_nonnulls(origin_id, first_no, next_no) IN (0, 3) AND first_no >= 1 AND first_no < next_no),
    CONSTRAINT two_release CHECK (released_by_id <> release_requested_by_id),
    CONSTRAINT release_is_asked_then_given CHECK (num_nulls(request_withdrawn_by_id, request_withdrawn_at) IN (0, 2)
        AND request_withdrawn_at >= frozen_at AND num_nulls(release_requested_by_id, release_requested_at) IN (0, 2)
        AND (num_nulls(released_by_id, released_at) IN (0, 2) OR notice_of_id IS NOT NULL AND released_by_id IS NULL)
        AND (released_by_id IS NULL OR release_requested_by_id IS NOT NULL)
        AND release_requested_at >= frozen_at AND released_at >= release_requested_at),
    -- As of transactions: no time is infinite or beyond what a reader's clock can say.
    CONSTRAINT times_are_of_this_age CHECK (frozen_at >= '1990-01-01Z' AND review_on BETWEEN '1990-01-01' AND '8999-12-31'
        AND greatest(frozen_at, release_requested_at, request_withdrawn_at, released_at, expires_at) < '9000-01-01Z')
);
CREATE INDEX freezes_of_a_transaction ON registry_freeze (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX freezes_of_an_account ON registry_freeze (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX freezes_of_serials ON registry_freeze USING gist (origin_id, int8range(first_no, next_no))
    WHERE origin_id IS NOT NULL AND released_at IS NULL;
CREATE INDEX holds_of_a_freeze ON registry_freeze (notice_of_id) WHERE notice_of_id IS NOT NULL;
CREATE INDEX holds_that_expire ON registry_freeze (expires_at) WHERE expires_at IS NOT NULL AND released_at IS NULL;

-- Whether a user holds one of these roles in a jurisdiction, or everywhere, just now.
CREATE FUNCTION registry_has_role(person bigint, jurisdiction bigint, wanted text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM accounts_user u JOIN accounts_userrole r ON r.user_id = u.id
        WHERE u.id = person AND u.is_active AND r.role = ANY (wanted) AND coalesce(r.jurisdiction_id = jurisdiction, true))
$$;

-- The blocks that have some of the serials [first, following), by index alone: blocks tile the serial space.
CREATE FUNCTION registry_blocks_with(origin bigint, first bigint, following bigint) RETURNS SETOF registry_unitblock
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT * FROM registry_unitblock b WHERE b.origin_id = origin AND b.start_no < following AND b.start_no >= (
        SELECT max(l.start_no) FROM registry_unitblock l WHERE l.origin_id = origin AND l.start_no <= first)
$$;

-- Lock whoever holds some of the serials, as every movement does, until none of them is with anybody else. While the lock was
-- waited for, units may have moved on to an account that is not locked: then all is let go and the larger set is locked in the
-- one order, so that nothing is ever waited for out of turn. The set only grows, so this ends. Sinks come last, as in a movement.
CREATE FUNCTION registry_lock_holders(origin bigint, first bigint, following bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    known bigint[] := '{}';
    holders bigint[] := ARRAY(SELECT DISTINCT account_id FROM registry_blocks_with(origin, first, following) WHERE account_id IS NOT NULL);
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'serials are frozen and released in a READ COMMITTED transaction' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    LOOP
        known := known || holders;
        BEGIN
            PERFORM FROM accounts_account WHERE id = ANY (known) ORDER BY retires, id FOR NO KEY UPDATE;
            holders := ARRAY(SELECT DISTINCT account_id FROM registry_blocks_with(origin, first, following) WHERE account_id IS NOT NULL);
            EXIT WHEN holders <@ known;
            RAISE EXCEPTION 'the units have moved on' USING ERRCODE = 'RG001';
        EXCEPTION WHEN SQLSTATE 'RG001' THEN
            -- The locks of this round are gone with it.
            NULL;
        END;
    END LOOP;
END $$;

-- Mark every unit of [first, following) that is in a registry and that no other freeze has marked, cutting blocks at its ends; their
-- holders are locked.
CREATE FUNCTION registry_mark_frozen(mark bigint, home bigint, origin bigint, first bigint, following bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    edge bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM registry_unitblock WHERE origin_id = origin)
            OR EXISTS (SELECT FROM registry_blocks_with(origin, first, following) WHERE account_id IS NULL) THEN
        RAISE EXCEPTION 'only units that somebody holds are frozen' USING ERRCODE = 'check_violation', CONSTRAINT = 'frozen_serials_are_issued';
    END IF;
    FOREACH edge IN ARRAY ARRAY[following, first] LOOP
        UPDATE registry_unitblock b SET start_no = edge WHERE b.end_no > edge AND b.id = (
            SELECT l.id FROM registry_unitblock l WHERE l.origin_id = origin AND l.start_no < edge ORDER BY l.start_no DESC LIMIT 1)
            AND EXISTS (SELECT FROM accounts_account a WHERE a.id = b.account_id AND a.jurisdiction_id = home);
    END LOOP;
    UPDATE registry_unitblock b SET frozen_by = mark
    WHERE b.origin_id = origin AND b.start_no >= first AND b.start_no < following AND b.frozen_by IS NULL
        AND EXISTS (SELECT FROM accounts_account a WHERE a.id = b.account_id AND a.jurisdiction_id = home);
    -- A block that was cut while its lock was waited for has a part that the statement above did not see.
    IF EXISTS (SELECT FROM registry_blocks_with(origin, first, following) b JOIN accounts_account a ON a.id = b.account_id
            WHERE b.frozen_by IS NULL AND a.jurisdiction_id = home) THEN
        RAISE EXCEPTION 'the serials from % are not as they were', first USING ERRCODE = 'serialization_failure';
    END IF;
END $$;

-- The seam to `linking`, which puts its own function in this place: which of the serials that a registry freezes at an instant are held in
-- which other one, by what terms and until when. Each row is of one holder.
CREATE FUNCTION registry_holds_elsewhere(freezer bigint, origin bigint, first bigint, following bigint, at timestamptz)
RETURNS TABLE (jurisdiction_id bigint, first_no bigint, next_no bigint, agreement_id bigint, expires_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
END $$;
-- The same for who is about to freeze, who tells of it in the logs of those registries: the holders are locked, so it stays so.
CREATE FUNCTION registry_holds(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM registry_lock_holders((request ->> 'origin')::bigint, (request ->> 'first')::bigint, (request ->> 'next')::bigint);
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('jurisdiction', j.code, 'first', h.first_no, 'next', h.next_no,
            'expires_at', h.expires_at) ORDER BY j.code, h.first_no), '[]')
        FROM registry_holds_elsewhere((request ->> 'freezer')::bigint, (request ->> 'origin')::bigint, (request ->> 'first')::bigint,
            (request ->> 'next')::bigint, (request ->> 'at')::timestamptz) h JOIN accounts_jurisdiction j ON j.id = h.jurisdiction_id);
END $$;

CREATE FUNCTION registry_freeze_takes_effect() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stopped registry_transaction;
    other registry_freeze;
    administrators text[] := '{senior-registry-administrator,junior-registry-administrator}';
    release text[] := '{release_requested_by_id,release_requested_at,release_reason,request_withdrawn_by_id,request_withdrawn_at,released_by_id,released_at}';
    withdrawn boolean := TG_OP = 'UPDATE' AND OLD.release_requested_at IS NOT NULL AND NEW.release_requested_at IS NULL;
    asked text[] := '{released_by_id,released_at}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a freeze is never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.released_at IS NOT NULL OR NEW.release_requested_by_id IS NOT NULL OR NEW.request_withdrawn_by_id IS NOT NULL
                OR NEW.release_reason <> '' THEN
            RAISE EXCEPTION 'a freeze begins unreleased' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF NEW.origin_id IS NULL AND NEW.jurisdiction_id IS DISTINCT FROM coalesce(
                (SELECT a.jurisdiction_id FROM accounts_account a WHERE a.id = NEW.account_id),
                (SELECT t.jurisdiction_id FROM registry_transaction t WHERE t.id = NEW.transaction_id)) THEN
            RAISE EXCEPTION 'a freeze is of the jurisdiction of what it freezes'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'freeze_is_of_its_jurisdiction';
        ELSIF NEW.notice_of_id IS NOT NULL THEN
            IF pg_trigger_depth() < 2 THEN
                RAISE EXCEPTION 'a hold follows a freeze elsewhere' USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_follow_freezes';
            END IF;
        ELSIF NOT registry_has_role(NEW.frozen_by_id, NEW.jurisdiction_id, administrators || 'compliance-authority'::text) THEN
            RAISE EXCEPTION 'user % may not freeze', NEW.frozen_by_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'freezer_has_the_right';
        END IF;
    -- A hold ends by itself in three ways, without anybody's release.
    ELSIF NEW.notice_of_id IS NOT NULL AND OLD.released_at IS NULL AND NEW.released_at IS NOT NULL AND NEW.released_by_id IS NULL
            AND to_jsonb(NEW) - '{released_at,confirmed_by_id}'::text[] = to_jsonb(OLD) - '{released_at,confirmed_by_id}'::text[] THEN
        IF NOT (CASE WHEN NEW.confirmed_by_id IS NULL THEN NEW.released_at >= NEW.expires_at
                OR EXISTS (SELECT FROM registry_freeze f WHERE f.id = NEW.notice_of_id AND f.released_at <= NEW.released_at)
            ELSE EXISTS (SELECT FROM registry_freeze f WHERE f.id = NEW.confirmed_by_id AND f.notice_of_id IS NULL AND f.released_at IS NULL
                AND (f.jurisdiction_id, f.origin_id) = (NEW.jurisdiction_id, NEW.origin_id)
                AND f.first_no <= NEW.first_no AND NEW.next_no <= f.next_no) END) THEN
            RAISE EXCEPTION 'hold % stands until %', NEW.id, NEW.expires_at
                USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_stand_until_they_expire';
        END IF;
    -- First the release is asked for, which who asked may take back; then it is given, and nothing else ever changes.
    ELSIF OLD.released_at IS NOT NULL OR to_jsonb(NEW) - release <> to_jsonb(OLD) - release
            OR OLD.release_requested_at IS NULL AND NEW.released_at IS NOT NULL
            OR OLD.release_requested_at IS NOT NULL AND NOT withdrawn AND to_jsonb(NEW) - asked <> to_jsonb(OLD) - asked
            OR NOT withdrawn AND (NEW.request_withdrawn_by_id, NEW.request_withdrawn_at)
                IS DISTINCT FROM (OLD.request_withdrawn_by_id, OLD.request_withdrawn_at) THEN
        RAISE EXCEPTION 'a freeze is released once, by two, and otherwise stays' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF withdrawn THEN
        IF (NEW.request_withdrawn_by_id IS DISTINCT FROM OLD.release_requested_by_id OR NEW.release_reason <> ''
                OR NEW.released_at IS NOT NULL OR NOT coalesce(NEW.request_withdrawn_at >= OLD.release_requested_at, false)) THEN
            RAISE EXCEPTION 'who asked for a release takes the request back'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_is_withdrawn_by_its_requester';
        END IF;
        RETURN NULL;
    ELSIF NEW.released_at IS NULL THEN
        IF NEW.release_requested_at < NEW.request_withdrawn_at THEN
            RAISE EXCEPTION 'a release is asked for again after the request that was taken back'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'release_is_asked_then_given';
        ELSIF NOT registry_has_role(NEW.release_requested_by_id, NEW.jurisdiction_id, administrators) THEN
            RAISE EXCEPTION 'user % may not ask for a release', NEW.release_requested_by_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'requester_has_the_right';
        END IF;
        RETURN NULL;
    ELSIF NOT registry_has_role(NEW.released_by_id, NEW.jurisdiction_id, administrators[1:1]) THEN
        RAISE EXCEPTION 'user % may not release', NEW.released_by_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'releaser_has_the_right';
    END IF;

    IF NEW.transaction_id IS NOT NULL THEN
        SELECT * INTO stopped FROM registry_transaction WHERE id = NEW.transaction_id FOR UPDATE;
        IF TG_OP = 'UPDATE' THEN
            IF NOT EXISTS (SELECT FROM registry_freeze f WHERE f.transaction_id = stopped.id AND f.released_at IS NULL) THEN
                INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, reason)
                VALUES (stopped.id, 'released', 'ON_HOLD', stopped.resumes_to, NEW.released_by_id, NEW.released_at, NEW.release_reason);
            END IF;
        ELSIF stopped.state IN ('AWAITING_APPROVAL', 'DELAYED', 'PROPOSED') THEN
            INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, reason)
            VALUES (stopped.id, 'frozen', stopped.state, 'ON_HOLD', NEW.frozen_by_id, NEW.frozen_at, NEW.reason);
        ELSIF stopped.state <> 'ON_HOLD' THEN
            RAISE EXCEPTION 'transaction % is % and cannot be held', stopped.id, stopped.state USING ERRCODE = 'serialization_failure';
        END IF;
    ELSIF NEW.account_id IS NOT NULL THEN
        -- Whoever moves units holds this lock, so the mark is there before the next movement is judged.
        PERFORM FROM accounts_account WHERE id = NEW.account_id FOR NO KEY UPDATE;
        UPDATE accounts_account a SET frozen = EXISTS (SELECT FROM registry_freeze f WHERE f.account_id = a.id AND f.released_at IS NULL)
        WHERE a.id = NEW.account_id;
    ELSE
        -- Freezes that overlap have a holder in common and so take turns; two released at once would each leave the other's mark.
        PERFORM registry_lock_holders(NEW.origin_id, NEW.first_no, NEW.next_no);
        IF TG_OP = 'INSERT' THEN
            PERFORM registry_mark_frozen(NEW.id, NEW.jurisdiction_id, NEW.origin_id, NEW.first_no, NEW.next_no);
            IF NEW.notice_of_id IS NULL THEN
                INSERT INTO registry_freeze (jurisdiction_id, origin_id, first_no, next_no, reason, reference, review_on, frozen_by_id, frozen_at,
                    notice_of_id, agreement_id, expires_at)
                SELECT h.jurisdiction_id, NEW.origin_id, h.first_no, h.next_no, NEW.reason, NEW.reference,
                    (h.expires_at AT TIME ZONE j.time_zone)::date, NEW.frozen_by_id, NEW.frozen_at, NEW.id, h.agreement_id, h.expires_at
                FROM registry_holds_elsewhere(NEW.jurisdiction_id, NEW.origin_id, NEW.first_no, NEW.next_no, NEW.frozen_at) h
                    JOIN accounts_jurisdiction j ON j.id = h.jurisdiction_id ORDER BY h.jurisdiction_id, h.first_no;
            END IF;
            RETURN NULL;
        END IF;
        UPDATE registry_unitblock SET frozen_by = NULL
        WHERE origin_id = NEW.origin_id AND start_no >= NEW.first_no AND start_no < NEW.next_no AND frozen_by = NEW.id;
        IF EXISTS (SELECT FROM registry_blocks_with(NEW.origin_id, NEW.first_no, NEW.next_no) WHERE frozen_by = NEW.id) THEN
            RAISE EXCEPTION 'the serials of freeze % are not as they were', NEW.id USING ERRCODE = 'serialization_failure';
        END IF;
        -- What another freeze of this registry covers stays frozen by that one.
        FOR other IN SELECT * FROM registry_freeze f WHERE f.origin_id = NEW.origin_id AND f.released_at IS NULL
                AND f.jurisdiction_id = NEW.jurisdiction_id AND int8range(f.first_no, f.next_no) && int8range(NEW.first_no, NEW.next_no) ORDER BY f.id LOOP
            PERFORM registry_mark_frozen(other.id, NEW.jurisdiction_id, NEW.origin_id, greatest(other.first_no, NEW.first_no),
                least(other.next_no, NEW.next_no));
        END LOOP;
        -- What was held elsewhere for it is held no longer.
        UPDATE registry_freeze h SET released_at = greatest(NEW.released_at, h.release_requested_at)
        WHERE h.notice_of_id = NEW.id AND h.released_at IS NULL;
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
CREATE TRIGGER only_freezes_freeze_accounts BEFORE UPDATE OF frozen ON accounts_account
    FOR EACH ROW WHEN (NEW.frozen <> OLD.frozen) EXECUTE FUNCTION registry_freezes_alone_freeze();
CREATE TRIGGER accounts_begin_unfrozen BEFORE INSERT ON accounts_account
    FOR EACH ROW WHEN (NEW.frozen) EXECUTE FUNCTION registry_freezes_alone_freeze();
CREATE TRIGGER only_freezes_freeze_blocks BEFORE UPDATE OF frozen_by ON registry_unitblock
    FOR EACH ROW WHEN (NEW.frozen_by IS DISTINCT FROM OLD.frozen_by) EXECUTE FUNCTION registry_freezes_alone_freeze();

-- What a freeze or its release is decided by, under lock: the transaction, the account, the serials or the freeze that is named, the
-- first answer to the key, and the number that a new freeze will have. {"subject": null} where there is nothing of that name.
CREATE FUNCTION registry_freezing(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found jsonb;
    answer jsonb;
    wanted bigint := (request ->> 'freeze')::bigint;
BEGIN
    IF request ? 'freeze' THEN
        -- With the holds elsewhere that end with it, in the one order.
        PERFORM FROM registry_freeze WHERE id = wanted OR notice_of_id = wanted ORDER BY id FOR UPDATE;
        SELECT to_jsonb(f) || jsonb_build_object('jurisdiction', j.code, 'account', a.identifier, 'registry', o.registry_code,
            'unit_type', u.code, 'vintage', s.vintage, 'elsewhere', (SELECT coalesce(jsonb_agg(DISTINCT k.code), '[]')
                FROM registry_freeze h JOIN accounts_jurisdiction k ON k.id = h.jurisdiction_id
                WHERE h.id = f.notice_of_id OR h.notice_of_id = f.id AND h.released_at IS NULL)) INTO found
        FROM registry_freeze f JOIN accounts_jurisdiction j ON j.id = f.jurisdiction_id
            LEFT JOIN accounts_account a ON a.id = f.account_id LEFT JOIN accounts_jurisdiction o ON o.id = f.origin_id
            LEFT JOIN registry_issue i ON i.origin_id = f.origin_id AND i.first_no <= f.first_no AND f.first_no < i.next_no
            LEFT JOIN registry_series s ON s.id = i.series_id LEFT JOIN registry_unittype u ON u.id = s.unit_type_id
        WHERE f.id = wanted;
    ELSIF request ? 'transaction' THEN
        PERFORM FROM registry_transaction WHERE id = (request ->> 'transaction')::uuid FOR UPDATE;
        SELECT jsonb_build_object('id', t.id, 'state', t.state, 'jurisdiction_id', t.jurisdiction_id, 'jurisdiction', j.code,
            'time_zone', j.time_zone, 'changed_at', greatest(t.proposed_at, t.held_at,
                (SELECT max(s.at) FROM registry_transactionstep s WHERE s.transaction_id = t.id))) INTO found
        FROM registry_transaction t JOIN accounts_jurisdiction j ON j.id = t.jurisdiction_id WHERE t.id = (request ->> 'transaction')::uuid;
    ELSIF request ? 'account' THEN
        SELECT jsonb_build_object('id', a.id, 'jurisdiction_id', a.jurisdiction_id, 'jurisdiction', j.code, 'time_zone', j.time_zone)
        INTO found FROM accounts_account a JOIN accounts_jurisdiction j ON j.id = a.jurisdiction_id
        WHERE a.identifier = request ->> 'account';
    ELSE
        -- Frozen by the registry that is named, else by their issuer.
        SELECT jsonb_build_object('id', j.id, 'jurisdiction_id', k.id, 'jurisdiction', k.code, 'time_zone', k.time_zone, 'issued', (
            SELECT coalesce(bool_and(b.account_id IS NOT NULL AND u.code = request ->> 'unit_type'
                AND s.vintage = (request ->> 'vintage')::integer), false)
            FROM registry_blocks_with(j.id, (request ->> 'first')::bigint, (request ->> 'next')::bigint) b
                LEFT JOIN registry_series s ON s.id = b.series_id LEFT JOIN registry_unittype u ON u.id = s.unit_type_id))
        INTO found FROM accounts_jurisdiction j JOIN accounts_jurisdiction k ON k.code = coalesce(request ->> 'by', j.code)
        WHERE j.registry_code = request ->> 'registry';
    END IF;
    SELECT to_jsonb(w) INTO answer FROM registry_answer w WHERE w.principal = request ->> 'principal' AND w.key = request ->> 'key';
    RETURN jsonb_build_object('answer', answer, 'subject', found,
        'number', coalesce(wanted, nextval(pg_get_serial_sequence('registry_freeze', 'id'))));
END $$;
-- 0008 takes every function from everybody; what is granted by name stays.
GRANT EXECUTE ON FUNCTION registry_freezing(jsonb), registry_holds(jsonb) TO registry_application;
