-- Limits: how much may leave an account, per transaction and per day, and how much one holder may hold. Both count what recorded
-- ranges say, in the same breath as the ranges take effect, and refuse what would go beyond. Without a limit each costs one look.

-- Accounts that are limited: those of holders, neither administrative nor such as retire units.
CREATE VIEW registry_privateaccount AS
    SELECT a.id, a.identifier, a.holder_id, a.jurisdiction_id
    FROM accounts_account a JOIN accounts_accounttype y ON y.code = a.type_id WHERE NOT a.retires AND NOT y.administrative;

-- Units of 1 t CO2e; null: no limit of that kind. Days are of the calendar of the transferring account's jurisdiction.
CREATE TABLE registry_limit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint REFERENCES accounts_account (id),
    jurisdiction_id bigint REFERENCES accounts_jurisdiction (id),
    -- One number for the level and whose it is, so that all three levels are found by one index: an account's id, a
    -- jurisdiction's with a minus, nought for the whole system.
    scope bigint NOT NULL GENERATED ALWAYS AS (coalesce(account_id, -jurisdiction_id, 0)) STORED,
    per_transaction bigint CONSTRAINT limit_per_transaction_is_not_negative CHECK (per_transaction >= 0),
    per_day bigint CONSTRAINT limit_per_day_is_not_negative CHECK (per_day >= 0),
    valid_from date NOT NULL,
    valid_to date,
    source text NOT NULL CONSTRAINT limit_names_its_source CHECK (source <> ''),
    CONSTRAINT limit_is_of_one_level CHECK (num_nonnulls(account_id, jurisdiction_id) <= 1),
    CONSTRAINT limit_is_valid_for_a_time CHECK (valid_from < valid_to),
    CONSTRAINT one_limit_per_scope_and_day EXCLUDE USING gist (scope WITH =, daterange(valid_from, valid_to) WITH &&)
);
CREATE INDEX limits_in_force ON registry_limit (scope, valid_from);

-- What counts against the daily limits of an account; there is a row for each day on which one was in force when units left.
CREATE TABLE registry_dailyuse (
    account_id bigint NOT NULL REFERENCES accounts_account (id),
    day date NOT NULL,
    used bigint NOT NULL CONSTRAINT daily_use_is_not_negative CHECK (used >= 0),
    PRIMARY KEY (account_id, day)
) WITH (fillfactor = 50);

-- What a holder may hold in a jurisdiction, what it holds, and what others have reserved for it.
CREATE TABLE registry_holdinglimit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    holder_id bigint NOT NULL REFERENCES accounts_holder (id),
    jurisdiction_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    "limit" bigint NOT NULL CONSTRAINT holding_limit_is_not_negative CHECK ("limit" >= 0),
    held bigint NOT NULL,
    pending bigint NOT NULL,
    CONSTRAINT one_holding_limit_per_holder UNIQUE (holder_id, jurisdiction_id),
    CONSTRAINT holdings_are_not_negative CHECK (held >= 0 AND pending >= 0)
) WITH (fillfactor = 50);

-- Rows stay as they were; the end of one only comes nearer, and the next begins. A level's limit is within those above it; one
-- above may be lowered below it later, and then binds by itself, since the least of the three counts.
CREATE FUNCTION registry_limit_is_kept_in_order() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'limits are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        -- A generated column has no value yet in a row that is about to be written.
        IF to_jsonb(NEW) - '{valid_to,scope}'::text[] <> to_jsonb(OLD) - '{valid_to,scope}'::text[]
                OR NEW.valid_to IS NULL OR NEW.valid_to > OLD.valid_to THEN
            RAISE EXCEPTION 'a limit stays as it was; only its end comes nearer' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF NEW.account_id IS NOT NULL AND NOT EXISTS (SELECT FROM registry_privateaccount a WHERE a.id = NEW.account_id) THEN
        RAISE EXCEPTION 'administrative accounts are not limited' USING ERRCODE = 'check_violation', CONSTRAINT = 'limited_accounts_are_private';
    ELSIF EXISTS (SELECT FROM registry_limit above WHERE above.scope = ANY (CASE
                WHEN NEW.account_id IS NOT NULL THEN ARRAY[0, -(SELECT a.jurisdiction_id FROM accounts_account a WHERE a.id = NEW.account_id)]
                WHEN NEW.jurisdiction_id IS NOT NULL THEN ARRAY[0]::bigint[] ELSE '{}'::bigint[] END)
            AND daterange(above.valid_from, above.valid_to) && daterange(NEW.valid_from, NEW.valid_to)
            AND (NEW.per_transaction > above.per_transaction OR NEW.per_day > above.per_day)) THEN
        RAISE EXCEPTION 'a limit is within those of the levels above it' USING ERRCODE = 'check_violation', CONSTRAINT = 'limit_is_within_the_level_above';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER limits_are_kept_in_order BEFORE INSERT OR UPDATE OR DELETE ON registry_limit
    FOR EACH ROW EXECUTE FUNCTION registry_limit_is_kept_in_order();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_limit EXECUTE FUNCTION registry_never_changes();

-- The same as `limited` in registry/rules/types.py; a test compares the two.
CREATE FUNCTION registry_type_is_limited(code text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT code IN ('10-50', '10-91', '3-0') $$;

-- What left an account on a day and counts, from the recorded ranges, but for some transactions. Ids of transactions sort by time.
CREATE FUNCTION registry_sent_on(sender bigint, on_day date, zone text, but_for uuid[]) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(r.next_no - r.first_no), 0)::bigint
    FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id
    WHERE r.from_account_id = sender AND r.transaction_id >= (lpad(to_hex(
            (extract(epoch FROM on_day::timestamp AT TIME ZONE zone) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
        AND t.proposed_at >= on_day::timestamp AT TIME ZONE zone AND t.proposed_at < (on_day + 1)::timestamp AT TIME ZONE zone
        AND registry_type_is_limited(t.type_id) AND t.initiator_id IS NOT NULL
        AND t.state NOT IN ('REJECTED', 'CANCELLED', 'TERMINATED') AND t.id <> ALL (but_for)
$$;

-- The limits of an account at an instant, and what counts against those per day: {"day", "used", "levels": [[level, per
-- transaction, per day]]}; null where nothing limits it.
CREATE FUNCTION registry_limits_of(sender bigint, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    place record;
    bounds record;
    used_then bigint;
BEGIN
    SELECT a.jurisdiction_id, j.time_zone, (at AT TIME ZONE j.time_zone)::date AS day INTO place
    FROM registry_privateaccount a JOIN accounts_jurisdiction j ON j.id = a.jurisdiction_id WHERE a.id = sender;
    SELECT jsonb_agg(jsonb_build_array(CASE WHEN l.scope > 0 THEN 'account' WHEN l.scope < 0 THEN 'jurisdiction' ELSE 'system' END,
            l.per_transaction, l.per_day) ORDER BY sign(l.scope) = 0, sign(l.scope) < 0) AS levels, bool_or(l.per_day IS NOT NULL) AS daily
    INTO bounds FROM registry_limit l
    WHERE l.scope = ANY (ARRAY[sender, -place.jurisdiction_id, 0]) AND l.valid_from <= place.day
        AND (l.valid_to IS NULL OR place.day < l.valid_to);
    IF place.day IS NULL OR bounds.levels IS NULL THEN
        RETURN NULL;
    ELSIF bounds.daily THEN
        SELECT used INTO used_then FROM registry_dailyuse u WHERE u.account_id = sender AND u.day = place.day;
        IF NOT FOUND THEN
            used_then := registry_sent_on(sender, place.day, place.time_zone, '{}');
        END IF;
    END IF;
    RETURN jsonb_build_object('day', place.day, 'used', coalesce(used_then, 0), 'levels', bounds.levels);
END $$;

-- Count the ranges just recorded against the limits of the accounts they leave, and refuse what goes beyond one.
CREATE FUNCTION registry_count_for_senders(ids uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part record;
    least_limit record;
    total bigint;
BEGIN
    FOR part IN
        SELECT a.id, a.identifier, a.jurisdiction_id, j.time_zone, (t.proposed_at AT TIME ZONE j.time_zone)::date AS day, t.id AS transaction_id,
            sum(r.next_no - r.first_no)::bigint AS units
        FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id
            JOIN registry_privateaccount a ON a.id = r.from_account_id JOIN accounts_jurisdiction j ON j.id = a.jurisdiction_id
        WHERE r.transaction_id = ANY (ids) AND registry_type_is_limited(t.type_id) AND t.initiator_id IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 5, 6 LOOP
        SELECT min(l.per_transaction) AS per_transaction, min(l.per_day) AS per_day INTO least_limit FROM registry_limit l
        WHERE l.scope = ANY (ARRAY[part.id, -part.jurisdiction_id, 0]) AND l.valid_from <= part.day
            AND (l.valid_to IS NULL OR part.day < l.valid_to);
        -- A row that is there is kept right, whatever limit is in force by now. The first of a day counts what left before it.
        UPDATE registry_dailyuse u SET used = u.used + part.units WHERE u.account_id = part.id AND u.day = part.day RETURNING u.used INTO total;
        IF NOT FOUND AND least_limit.per_day IS NOT NULL THEN
            INSERT INTO registry_dailyuse AS u (account_id, day, used)
            VALUES (part.id, part.day, registry_sent_on(part.id, part.day, part.time_zone, ids) + part.units)
            ON CONFLICT (account_id, day) DO UPDATE SET used = u.used + part.units RETURNING u.used INTO total;
        END IF;
        IF part.units > least_limit.per_transaction OR total > least_limit.per_day THEN
            RAISE EXCEPTION 'account % sends more than its limits allow', part.identifier
                USING ERRCODE = 'check_violation', CONSTRAINT = 'limits_are_kept';
        END IF;
    END LOOP;
END $$;

-- Count what transactions brought, or will bring, to the holders on both sides, when their ranges are recorded and when they end.
-- Units that stay with their holder change nothing. What a private account sends another holder is refused where it goes beyond
-- the limit; what the registry delivers counts and is never refused.
CREATE FUNCTION registry_count_for_holders(ids uuid[], ends boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part record;
    counted registry_holdinglimit;
BEGIN
    FOR part IN
        SELECT side.holder_id, side.jurisdiction_id, sum(side.held)::bigint AS held, sum(side.pending)::bigint AS pending, bool_or(side.is_bound) AS is_bound
        FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id
            LEFT JOIN registry_privateaccount f ON f.id = r.from_account_id
            LEFT JOIN registry_privateaccount a ON a.id = r.to_account_id
            CROSS JOIN LATERAL (SELECT r.next_no - r.first_no AS units, t.state = 'COMPLETED' AS is_completed) n
            CROSS JOIN LATERAL (VALUES
                (a.holder_id, a.jurisdiction_id, CASE WHEN n.is_completed THEN n.units ELSE 0 END,
                    CASE WHEN ends THEN -n.units WHEN n.is_completed THEN 0 ELSE n.units END, NOT ends AND f.id IS NOT NULL),
                (f.holder_id, f.jurisdiction_id, CASE WHEN n.is_completed THEN -n.units ELSE 0 END, 0, false)
            ) side (holder_id, jurisdiction_id, held, pending, is_bound)
        -- A conversion makes for its holder as much as it retires.
        WHERE r.transaction_id = ANY (ids) AND t.type_id <> '2-0' AND (f.holder_id, f.jurisdiction_id) IS DISTINCT FROM (a.holder_id, a.jurisdiction_id)
            AND side.holder_id IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1, 2 LOOP
        UPDATE registry_holdinglimit l SET held = l.held + part.held, pending = l.pending + part.pending
        WHERE l.holder_id = part.holder_id AND l.jurisdiction_id = part.jurisdiction_id RETURNING * INTO counted;
        IF part.is_bound AND counted.held + counted.pending > counted."limit" THEN
            RAISE EXCEPTION 'holder % would hold more than its limit', part.holder_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'holding_limit_is_kept';
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION registry_ranges_count() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    some_limits boolean;
    some_holding_limits boolean;
BEGIN
    SELECT EXISTS (SELECT FROM registry_limit), EXISTS (SELECT FROM registry_holdinglimit) INTO some_limits, some_holding_limits;
    IF some_limits THEN
        PERFORM registry_count_for_senders(ARRAY(SELECT DISTINCT transaction_id FROM added));
    END IF;
    IF some_holding_limits THEN
        PERFORM registry_count_for_holders(ARRAY(SELECT DISTINCT transaction_id FROM added), false);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ranges_keep_limits AFTER INSERT ON registry_transactionblock REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION registry_ranges_count();

-- What ends without completing is given back, on the day on which it counted; what was pending is held now, or not to be.
CREATE FUNCTION registry_ended_transaction_counts() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.state <> 'COMPLETED' AND registry_type_is_limited(NEW.type_id) AND NEW.initiator_id IS NOT NULL THEN
        UPDATE registry_dailyuse u SET used = u.used - sent.units
        FROM (SELECT a.id, (NEW.proposed_at AT TIME ZONE j.time_zone)::date AS day, sum(r.next_no - r.first_no) AS units
            FROM registry_transactionblock r JOIN registry_privateaccount a ON a.id = r.from_account_id
                JOIN accounts_jurisdiction j ON j.id = a.jurisdiction_id
            WHERE r.transaction_id = NEW.id GROUP BY 1, 2) sent
        WHERE u.account_id = sent.id AND u.day = sent.day;
    END IF;
    IF EXISTS (SELECT FROM registry_holdinglimit) THEN
        PERFORM registry_count_for_holders(ARRAY[NEW.id], true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ended_transactions_count AFTER UPDATE OF state ON registry_transaction FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND NEW.state IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED'))
    EXECUTE FUNCTION registry_ended_transaction_counts();

-- Daily use follows the ranges; nobody writes it.
CREATE FUNCTION registry_daily_use_follows_ranges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'daily use is counted by recorded ranges alone' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER daily_use_follows_ranges BEFORE INSERT OR UPDATE OR DELETE ON registry_dailyuse
    FOR EACH ROW EXECUTE FUNCTION registry_daily_use_follows_ranges();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_dailyuse EXECUTE FUNCTION registry_never_changes();

CREATE FUNCTION registry_held_by(holder bigint, place bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(h.quantity), 0)::bigint FROM registry_privateaccount a JOIN registry_holding h ON h.account_id = a.id
    WHERE a.holder_id = holder AND a.jurisdiction_id = place
$$;
CREATE FUNCTION registry_pending_for(holder bigint, place bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(r.next_no - r.first_no), 0)::bigint
    FROM registry_transaction t JOIN registry_transactionblock r ON r.transaction_id = t.id
        JOIN registry_privateaccount a ON a.id = r.to_account_id LEFT JOIN registry_privateaccount f ON f.id = r.from_account_id
    WHERE t.completed_at IS NULL AND t.state NOT IN ('REJECTED', 'CANCELLED', 'TERMINATED') AND a.holder_id = holder
        AND a.jurisdiction_id = place AND (f.holder_id, f.jurisdiction_id) IS DISTINCT FROM (holder, place)
$$;

-- Whoever writes a row by hand, the operation among them, writes what the ledger says.
CREATE FUNCTION registry_holding_limit_follows_the_ledger() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.holder_id, NEW.jurisdiction_id) <> (OLD.holder_id, OLD.jurisdiction_id) THEN
        RAISE EXCEPTION 'a holding limit stays its holder''s' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF pg_trigger_depth() < 2 AND (NEW.held, NEW.pending) <> (registry_held_by(NEW.holder_id, NEW.jurisdiction_id),
            registry_pending_for(NEW.holder_id, NEW.jurisdiction_id)) THEN
        RAISE EXCEPTION 'what a holder holds is what the ledger says' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER holding_limits_follow_the_ledger BEFORE INSERT OR UPDATE ON registry_holdinglimit
    FOR EACH ROW EXECUTE FUNCTION registry_holding_limit_follows_the_ledger();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_holdinglimit EXECUTE FUNCTION registry_never_changes();

-- The rule by which the holding limits of a jurisdiction were made last: a new account's holder gets its limit by the same.
CREATE TABLE registry_holdingrule (
    jurisdiction_id bigint PRIMARY KEY REFERENCES accounts_jurisdiction (id),
    day date NOT NULL,
    others bigint NOT NULL,
    above_allocation bigint NOT NULL
);

-- What each holder of private accounts in a jurisdiction may hold by a rule, or only the one that is named.
CREATE FUNCTION registry_limits_by_rule(place bigint, day date, others bigint, above_allocation bigint, only_holder bigint)
RETURNS TABLE (holder_id bigint, may_hold bigint) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT h.holder_id, CASE WHEN h.operates THEN above_allocation + (
            SELECT coalesce(sum(r.quantity), 0) FROM registry_allocation r
            WHERE r.state = 'READY' AND r.vintage = extract(year FROM day)
                AND r.installation_id IN (SELECT a.installation_id FROM accounts_account a
                    WHERE a.holder_id = h.holder_id AND a.jurisdiction_id = place AND a.type_id = 'OHA' AND a.status <> 'CLOSED'))::bigint
        ELSE others END
    FROM (SELECT p.holder_id, bool_or(a.type_id = 'OHA' AND a.status <> 'CLOSED') AS operates
        FROM registry_privateaccount p JOIN accounts_account a ON a.id = p.id
        WHERE p.jurisdiction_id = place AND p.holder_id IS NOT NULL AND coalesce(p.holder_id = only_holder, true) GROUP BY 1) h;
END $$;

-- Whether the holding limits of a jurisdiction are otherwise than a rule makes them; null `others`: than none.
CREATE FUNCTION registry_holding_limits_are_stale(place bigint, day date, others bigint, above_allocation bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN others IS NULL THEN EXISTS (SELECT FROM registry_holdinglimit WHERE jurisdiction_id = place)
            OR EXISTS (SELECT FROM registry_holdingrule WHERE jurisdiction_id = place)
        -- A holder who has closed every account keeps a row that binds nobody.
        ELSE NOT EXISTS (SELECT FROM registry_holdingrule k WHERE k.jurisdiction_id = place AND k.others = registry_holding_limits_are_stale.others
                AND k.above_allocation = registry_holding_limits_are_stale.above_allocation
                AND extract(year FROM k.day) = extract(year FROM registry_holding_limits_are_stale.day))
            OR EXISTS (SELECT FROM registry_limits_by_rule(place, day, others, above_allocation, NULL) r
                LEFT JOIN registry_holdinglimit l ON l.holder_id = r.holder_id AND l.jurisdiction_id = place
                WHERE l."limit" IS DISTINCT FROM r.may_hold) END
$$;

-- No holder is ever without its limit: who opens an account gets it in the same database transaction. The jurisdiction's row makes this
-- and `registry_set_holding_limits` take turns.
CREATE FUNCTION registry_account_gets_its_holding_limit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    rule registry_holdingrule;
BEGIN
    PERFORM FROM accounts_jurisdiction WHERE id = NEW.jurisdiction_id FOR SHARE;
    SELECT * INTO rule FROM registry_holdingrule WHERE jurisdiction_id = NEW.jurisdiction_id;
    IF FOUND THEN
        INSERT INTO registry_holdinglimit (holder_id, jurisdiction_id, "limit", held, pending)
        SELECT r.holder_id, NEW.jurisdiction_id, r.may_hold, registry_held_by(r.holder_id, NEW.jurisdiction_id),
            registry_pending_for(r.holder_id, NEW.jurisdiction_id)
        FROM registry_limits_by_rule(NEW.jurisdiction_id, rule.day, rule.others, rule.above_allocation, NEW.holder_id) r
        -- An account more of a holder who has one: what it holds is counted already.
        ON CONFLICT (holder_id, jurisdiction_id) DO UPDATE SET "limit" = excluded."limit";
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_get_their_holding_limit AFTER INSERT ON accounts_account
    FOR EACH ROW WHEN (NEW.holder_id IS NOT NULL) EXECUTE FUNCTION registry_account_gets_its_holding_limit();

-- Make the holding limits of a jurisdiction anew by its rule: {"jurisdiction": id, "day", "others", "above_allocation",
-- "entries"}; without `others` there are none. An operator may hold what is allocated to its installations for the year, and
-- `above_allocation`; any other holder `others`. Nothing of these accounts moves meanwhile. Returns how many there are.
CREATE FUNCTION registry_set_holding_limits(request jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    place bigint := (request ->> 'jurisdiction')::bigint;
    made bigint := 0;
BEGIN
    -- Locks in the one order: who opens accounts, then accounts by id, then holding limits by id.
    PERFORM FROM accounts_jurisdiction WHERE id = place FOR NO KEY UPDATE;
    PERFORM FROM accounts_account WHERE id IN (SELECT a.id FROM registry_privateaccount a WHERE a.jurisdiction_id = place)
    ORDER BY id FOR NO KEY UPDATE;
    PERFORM FROM registry_holdinglimit WHERE jurisdiction_id = place ORDER BY id FOR NO KEY UPDATE;
    IF request ->> 'others' IS NULL THEN
        DELETE FROM registry_holdinglimit WHERE jurisdiction_id = place;
        DELETE FROM registry_holdingrule WHERE jurisdiction_id = place;
    ELSE
        INSERT INTO registry_holdingrule (jurisdiction_id, day, others, above_allocation)
        VALUES (place, (request ->> 'day')::date, (request ->> 'others')::bigint, (request ->> 'above_allocation')::bigint)
        ON CONFLICT (jurisdiction_id) DO UPDATE
        SET day = excluded.day, others = excluded.others, above_allocation = excluded.above_allocation;
        INSERT INTO registry_holdinglimit (holder_id, jurisdiction_id, "limit", held, pending)
        SELECT r.holder_id, place, r.may_hold, registry_held_by(r.holder_id, place), registry_pending_for(r.holder_id, place)
        FROM registry_limits_by_rule(place, (request ->> 'day')::date, (request ->> 'others')::bigint,
            (request ->> 'above_allocation')::bigint, NULL) r
        ORDER BY r.holder_id
        ON CONFLICT (holder_id, jurisdiction_id) DO UPDATE
        SET "limit" = excluded."limit", held = excluded.held, pending = excluded.pending;
        GET DIAGNOSTICS made = ROW_COUNT;
    END IF;
    PERFORM registry_record(request);
    RETURN made;
END $$;

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_holdingrule EXECUTE FUNCTION registry_never_changes();
GRANT SELECT ON registry_holdingrule, registry_limit, registry_dailyuse, registry_holdinglimit, registry_privateaccount TO registry_application, registry_auditor;
GRANT INSERT (account_id, jurisdiction_id, per_transaction, per_day, valid_from, valid_to, source), UPDATE (valid_to)
    ON registry_limit TO registry_application;
GRANT EXECUTE ON FUNCTION registry_limits_of(bigint, timestamptz), registry_set_holding_limits(jsonb),
    registry_holding_limits_are_stale(bigint, date, bigint, bigint) TO registry_application;
-- The recomputation asks it.
GRANT EXECUTE ON FUNCTION registry_type_is_limited(text) TO registry_application, registry_auditor;
