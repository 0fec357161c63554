-- The effect in one round trip: write the transaction, its ranges (which move the units), the log entries and the answer for
-- the idempotency key, all or nothing. What is not as it was decided raises serialization_failure, and the caller decides anew.
-- plan: {"transactions": [{...columns}], "ranges": [[transaction index, origin, first, next, series, recognition, from, to,
--   period it is carried over into, unit type it is converted into, recognition across a link]], "entries": [{...columns}], "answers": [{principal, key, digest, status, body}]}.

-- Its plans are kept as those of registry_facts are.
CREATE FUNCTION registry_effect(plan jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF NOT jsonb_path_query_array(plan, '$.transactions[*].id') <@ jsonb_path_query_array(plan, '$.entries[*].subject') THEN
        RAISE EXCEPTION 'every transaction leaves its entry in the log' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity, cap_id,
        series_id, obligation_id, allocation_id, returns_id, reverses_id, reason, beneficiary, client_reference, reference, initiator_id,
        proposed_at, completed_at, expires_at, due_at)
    SELECT t.id, t.type_id, t.state, t.jurisdiction_id, t.transferring_id, t.acquiring_id, t.quantity, t.cap_id,
        t.series_id, t.obligation_id, t.allocation_id, t.returns_id, t.reverses_id, t.reason, t.beneficiary, t.client_reference,
        coalesce(t.reference, ''), t.initiator_id,
        t.proposed_at, t.completed_at, t.expires_at, t.due_at
    FROM jsonb_to_recordset(plan -> 'transactions') AS t (id uuid, type_id text, state text, jurisdiction_id bigint,
        transferring_id bigint, acquiring_id bigint, quantity bigint, cap_id bigint, series_id integer, obligation_id bigint, allocation_id bigint, returns_id bigint,
        reverses_id uuid, reason text, beneficiary text, client_reference text, reference text, initiator_id bigint, proposed_at timestamptz,
        completed_at timestamptz, expires_at timestamptz, due_at timestamptz);
    -- Ranges take effect in the order of the plan: a later one may send on what an earlier one brought.
    INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, recognition_id,
        from_account_id, to_account_id, to_recognition_id, to_series_id)
    SELECT (plan -> 'transactions' -> (r ->> 0)::integer ->> 'id')::uuid, (r ->> 1)::bigint, (r ->> 2)::bigint,
        (r ->> 3)::bigint, (r ->> 4)::integer, (r ->> 5)::integer, (r ->> 6)::bigint, (r ->> 7)::bigint,
        CASE WHEN r ->> 8 IS NOT NULL THEN registry_carried_over((r ->> 5)::integer, r ->> 8) ELSE (r ->> 10)::integer END,
        CASE WHEN r ->> 9 IS NOT NULL THEN registry_converted((r ->> 4)::integer, r ->> 9) END
    FROM jsonb_array_elements(plan -> 'ranges') r;
    PERFORM registry_record(plan);
END $$;

-- Log entries and answers, alone for a refusal. The entries' ids are taken here, after every lock and read of the decision.
CREATE FUNCTION registry_record(plan jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF coalesce(jsonb_array_length(plan -> 'entries'), 0) = 0 THEN
        RAISE EXCEPTION 'every act leaves an entry in the log' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO audit_entry (registry, event, part, parts, occurred_at, actor, subject, body)
    SELECT e.registry, e.event, e.part, e.parts, e.occurred_at, e.actor, e.subject, convert_to(e.body, 'UTF8')
    FROM jsonb_to_recordset(plan -> 'entries') AS e (registry text, event text, part integer, parts integer,
        occurred_at timestamptz, actor text, subject text, body text);
    IF jsonb_array_length(plan -> 'answers') > 0 THEN
        INSERT INTO registry_answer (principal, key, digest, status, body)
        SELECT a.principal, a.key, a.digest, a.status, a.body
        FROM jsonb_to_recordset(plan -> 'answers') AS a (principal text, key text, digest text, status smallint, body text);
    END IF;
END $$;

-- The answer for an idempotency key of an act that writes itself and its log entries in the same transaction (the operations of `linking`).
CREATE FUNCTION registry_keep_answer(answer jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO registry_answer (principal, key, digest, status, body)
    SELECT a.principal, a.key, a.digest, a.status, a.body
    FROM jsonb_to_record(answer) AS a (principal text, key text, digest text, status smallint, body text)
$$;

-- The next step of transactions that wait: {"steps": [{...columns}], "ranges": of what completes and could reserve nothing, "entries",
-- "answers"}. The recorded steps change the states (0004); what is not as it was decided raises serialization_failure.
CREATE FUNCTION registry_proceed(plan jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF jsonb_array_length(plan -> 'steps') = 0
            OR NOT jsonb_path_query_array(plan, '$.steps[*].id') <@ jsonb_path_query_array(plan, '$.entries[*].subject') THEN
        RAISE EXCEPTION 'every step leaves its entry in the log' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF EXISTS (SELECT FROM jsonb_array_elements(plan -> 'steps') s WHERE s ->> 'event' IN ('frozen', 'released')) THEN
        RAISE EXCEPTION 'holds come from freezes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, reason, failures, due_at)
    SELECT s.id, s.event, s.from_state, s.to_state, s.user_id, s.at, s.reason,
        ARRAY(SELECT jsonb_array_elements_text(s.failures)::integer), s.due_at
    FROM jsonb_to_recordset(plan -> 'steps') AS s (id uuid, event text, from_state text, to_state text, user_id bigint,
        at timestamptz, reason text, failures jsonb, due_at timestamptz);
    INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, recognition_id,
        from_account_id, to_account_id)
    SELECT (plan -> 'steps' -> (r ->> 0)::integer ->> 'id')::uuid, (r ->> 1)::bigint, (r ->> 2)::bigint,
        (r ->> 3)::bigint, (r ->> 4)::integer, (r ->> 5)::integer, (r ->> 6)::bigint, (r ->> 7)::bigint
    FROM jsonb_array_elements(plan -> 'ranges') r;
    PERFORM registry_record(plan);
END $$;

-- Freeze, ask for the release of, take that back, or release: {"freeze": {...columns}}, {"ask": {...}}, {"withdraw": {...}}, {"release": {...}}, or of a hold {"lapse": {...}}; "entries", "answers".
-- A freeze that "confirms" a hold takes its place.
-- Returns the freeze's id, which `registry_freezing` (0004) gave out in the same session, since the entries name it.
CREATE FUNCTION registry_freeze_or_release(plan jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    IF plan ? 'freeze' THEN
        made := (plan -> 'freeze' ->> 'id')::bigint;
        IF made IS DISTINCT FROM currval(pg_get_serial_sequence('registry_freeze', 'id')) THEN
            RAISE EXCEPTION 'freezes are numbered by the database, in turn' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        INSERT INTO registry_freeze (id, jurisdiction_id, transaction_id, account_id, origin_id, first_no, next_no, reason, reference, review_on,
            frozen_by_id, frozen_at) OVERRIDING SYSTEM VALUE
        SELECT made, f.jurisdiction_id, f.transaction_id, f.account_id, f.origin_id, f.first_no, f.next_no, f.reason, f.reference, f.review_on,
            f.frozen_by_id, f.frozen_at
        FROM jsonb_to_record(plan -> 'freeze') AS f (jurisdiction_id bigint, transaction_id uuid, account_id bigint, origin_id bigint,
            first_no bigint, next_no bigint, reason text, reference text, review_on date, frozen_by_id bigint, frozen_at timestamptz);
        IF plan ? 'confirms' THEN
            UPDATE registry_freeze h SET released_at = (plan -> 'freeze' ->> 'frozen_at')::timestamptz, confirmed_by_id = made
            WHERE h.id = (plan ->> 'confirms')::bigint AND h.released_at IS NULL;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the hold is not as it was decided' USING ERRCODE = 'serialization_failure';
            END IF;
        END IF;
        IF EXISTS (SELECT FROM registry_freeze h JOIN accounts_jurisdiction j ON j.id = h.jurisdiction_id WHERE h.notice_of_id = made
                AND NOT jsonb_path_query_array(plan, '$.entries[*].registry') ? j.code) THEN
            RAISE EXCEPTION 'every hold leaves its entry in the log of its registry' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF plan ? 'lapse' THEN
        UPDATE registry_freeze f SET released_at = r.at FROM jsonb_to_record(plan -> 'lapse') AS r (id bigint, at timestamptz)
        WHERE f.id = r.id AND f.notice_of_id IS NOT NULL AND f.released_at IS NULL RETURNING f.id INTO made;
    ELSIF plan ? 'ask' THEN
        UPDATE registry_freeze f SET release_requested_by_id = r.by, release_requested_at = r.at, release_reason = r.reason
        FROM jsonb_to_record(plan -> 'ask') AS r (id bigint, by bigint, at timestamptz, reason text)
        WHERE f.id = r.id AND f.release_requested_by_id IS NULL RETURNING f.id INTO made;
    ELSIF plan ? 'withdraw' THEN
        UPDATE registry_freeze f SET release_requested_by_id = NULL, release_requested_at = NULL, release_reason = '',
            request_withdrawn_by_id = r.by, request_withdrawn_at = r.at
        FROM jsonb_to_record(plan -> 'withdraw') AS r (id bigint, by bigint, at timestamptz)
        WHERE f.id = r.id AND f.release_requested_by_id IS NOT NULL AND f.released_at IS NULL RETURNING f.id INTO made;
    ELSE
        UPDATE registry_freeze f SET released_by_id = r.by, released_at = r.at
        FROM jsonb_to_record(plan -> 'release') AS r (id bigint, by bigint, at timestamptz)
        WHERE f.id = r.id AND f.released_at IS NULL RETURNING f.id INTO made;
    END IF;
    IF made IS NULL THEN
        RAISE EXCEPTION 'the freeze is not as it was decided' USING ERRCODE = 'serialization_failure';
    ELSIF NOT jsonb_path_query_array(plan, '$.entries[*].subject') ? ('freeze:' || made) THEN
        RAISE EXCEPTION 'every freeze leaves its entry in the log' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    PERFORM registry_record(plan);
    RETURN made;
END $$;
