-- Theft across a link. A freeze stops units in its own registry; what lies in another is held there for as long as the terms say that
-- the units came by, which the other registry's administrators confirm by a freeze of their own, lift or let lapse. What becomes of what
-- they confirmed is decided by two of them, as the good-faith clause of the same terms says.

-- By which terms a registry has [first, following) held in another, `place`: of units abroad there, the issuer by those that they came
-- by; of units at home again, the registry that they last came home from, by those that they had been there by.
CREATE FUNCTION linking_hold_terms(freezer bigint, of_origin bigint, place bigint, recognition integer, first bigint, following bigint)
RETURNS TABLE (first_no bigint, next_no bigint, agreement_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    left_over int8multirange := int8multirange(int8range(first, following));
    passage record;
    part int8range;
BEGIN
    IF place <> of_origin THEN
        RETURN QUERY SELECT first, following, r.agreement_id FROM registry_recognition r
            WHERE r.id = recognition AND r.agreement_id IS NOT NULL AND of_origin = freezer;
        RETURN;
    END IF;
    FOR passage IN SELECT int8range(b.first_no, b.next_no) AS serials, r.agreement_id
            FROM registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id
                JOIN registry_recognition r ON r.id = b.recognition_id JOIN accounts_account f ON f.id = b.from_account_id
                JOIN accounts_account a ON a.id = b.to_account_id
            WHERE b.origin_id = of_origin AND int8range(b.first_no, b.next_no) && int8range(first, following) AND t.state = 'COMPLETED'
                AND f.jurisdiction_id = freezer AND a.jurisdiction_id = of_origin AND r.agreement_id IS NOT NULL
            ORDER BY t.completed_at DESC, b.id DESC LOOP
        FOR part IN SELECT unnest(left_over * int8multirange(passage.serials)) LOOP
            first_no := lower(part);
            next_no := upper(part);
            agreement_id := passage.agreement_id;
            RETURN NEXT;
        END LOOP;
        left_over := left_over - int8multirange(passage.serials);
        EXIT WHEN isempty(left_over);
    END LOOP;
END $$;

-- Days of 24 hours, whatever the zone of the session. Retired units are not held: they go nowhere but back, by order. Neighbours of one holder, by the same terms, are one hold.
CREATE OR REPLACE FUNCTION registry_holds_elsewhere(freezer bigint, origin bigint, first bigint, following bigint, at timestamptz)
RETURNS TABLE (jurisdiction_id bigint, first_no bigint, next_no bigint, agreement_id bigint, expires_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT w.place, lower(w.serials), upper(w.serials), w.by, at + make_interval(hours => 24 * (g.terms ->> 'hold_on_freeze_days')::integer)
    FROM (SELECT a.jurisdiction_id AS place, h.agreement_id AS by, unnest(range_agg(int8range(h.first_no, h.next_no))) AS serials
            FROM registry_blocks_with(origin, first, following) b JOIN accounts_account a ON a.id = b.account_id
                CROSS JOIN LATERAL linking_hold_terms(freezer, origin, a.jurisdiction_id, b.recognition_id,
                    greatest(b.start_no, first), least(b.end_no, following)) h
            WHERE a.jurisdiction_id <> freezer AND NOT b.retired GROUP BY a.jurisdiction_id, b.account_id, h.agreement_id) w
        JOIN linking_agreement g ON g.id = w.by
    WHERE (g.terms ->> 'hold_on_freeze_days')::integer > 0;
END $$;

-- What a registry says to another when its freeze holds units there: which serials, on what basis, until when.
CREATE TABLE linking_notice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    freeze_id bigint NOT NULL REFERENCES registry_freeze (id),
    from_side_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    to_side_id bigint NOT NULL REFERENCES accounts_jurisdiction (id),
    document text NOT NULL,
    digest text NOT NULL,
    given_by_id bigint NOT NULL REFERENCES accounts_user (id),
    given_at timestamptz NOT NULL,
    -- When the last of its holds expires.
    expires_at timestamptz NOT NULL,
    CONSTRAINT notice_is_given_once UNIQUE (freeze_id, to_side_id),
    CONSTRAINT notice_goes_elsewhere CHECK (from_side_id <> to_side_id),
    CONSTRAINT digest_is_of_the_document CHECK (digest = encode(sha256(convert_to(document, 'UTF8')), 'hex'))
);
CREATE INDEX notices_to_a_side ON linking_notice (to_side_id, id);

CREATE FUNCTION linking_notices_are_given() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO linking_notice (freeze_id, from_side_id, to_side_id, document, digest, given_by_id, given_at, expires_at)
    SELECT NEW.id, NEW.jurisdiction_id, w.place, w.document, encode(sha256(convert_to(w.document, 'UTF8')), 'hex'), NEW.frozen_by_id,
        NEW.frozen_at, w.expires_at
    FROM (SELECT h.jurisdiction_id AS place, max(h.expires_at) AS expires_at, jsonb_build_object('freeze', NEW.id, 'from', f.code, 'to', t.code,
                'issuer', o.registry_code, 'basis', NEW.reference, 'given_at', NEW.frozen_at, 'holds', jsonb_agg(jsonb_build_array(
                    h.first_no, h.next_no, c.version, h.expires_at) ORDER BY h.first_no))::text AS document
            FROM registry_freeze h JOIN accounts_jurisdiction f ON f.id = NEW.jurisdiction_id JOIN accounts_jurisdiction t ON t.id = h.jurisdiction_id
                JOIN accounts_jurisdiction o ON o.id = NEW.origin_id JOIN linking_agreement c ON c.id = h.agreement_id
            WHERE h.notice_of_id = NEW.id GROUP BY h.jurisdiction_id, f.code, t.code, o.registry_code) w ORDER BY w.place;
    RETURN NULL;
END $$;
-- After `freezes_take_effect`, whose name comes first.
CREATE TRIGGER notices_are_given AFTER INSERT ON registry_freeze
    FOR EACH ROW WHEN (NEW.origin_id IS NOT NULL AND NEW.notice_of_id IS NULL) EXECUTE FUNCTION linking_notices_are_given();

-- Units that come into a registry which has frozen them are frozen there.
CREATE FUNCTION linking_stops_what_arrives(wanted uuid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part record;
BEGIN
    FOR part IN SELECT f.id, f.jurisdiction_id, b.origin_id, greatest(b.first_no, f.first_no) AS first_no, least(b.next_no, f.next_no) AS next_no
            FROM registry_transactionblock b JOIN accounts_account a ON a.id = b.to_account_id
                JOIN registry_freeze f ON f.origin_id = b.origin_id AND f.jurisdiction_id = a.jurisdiction_id AND f.released_at IS NULL
                    AND int8range(f.first_no, f.next_no) && int8range(b.first_no, b.next_no)
            WHERE b.transaction_id = wanted ORDER BY f.id, b.first_no LOOP
        PERFORM registry_mark_frozen(part.id, part.jurisdiction_id, part.origin_id, part.first_no, part.next_no);
    END LOOP;
END $$;

-- What its issuer has frozen leaves by no leave of the issuer's, wherever it lies: onward transfers are exports of the issuer's too.
CREATE FUNCTION linking_leaves_by_its_issuers_leave(wanted uuid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM registry_transactionblock b JOIN accounts_account a ON a.id = b.to_account_id
            JOIN registry_freeze f ON f.origin_id = b.origin_id AND f.jurisdiction_id = b.origin_id AND f.released_at IS NULL
                AND int8range(f.first_no, f.next_no) && int8range(b.first_no, b.next_no)
            WHERE b.transaction_id = wanted AND a.jurisdiction_id <> b.origin_id) THEN
        RAISE EXCEPTION 'the issuer has frozen units of transaction %', wanted USING ERRCODE = 'check_violation', CONSTRAINT = 'origin_permits_the_export';
    END IF;
END $$;

-- A case of theft: what becomes of units that a hold was confirmed for. One administrator of the registry in which they lie proposes, a
-- senior one decides; both answer for whether who holds them acquired them for value, and the clause says the rest.
CREATE TABLE linking_theftcase (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hold_id bigint NOT NULL REFERENCES registry_freeze (id),
    freeze_id bigint NOT NULL REFERENCES registry_freeze (id),
    acquired_for_value boolean NOT NULL,
    evidence text NOT NULL CONSTRAINT case_has_evidence CHECK (evidence <> ''),
    outcome text NOT NULL CONSTRAINT outcome_is_known CHECK (outcome IN ('keep', 'return')),
    -- To whom they go home, and the court's or authority's reference.
    victim_id bigint REFERENCES accounts_account (id),
    reference text NOT NULL DEFAULT '',
    proposed_by_id bigint NOT NULL REFERENCES accounts_user (id),
    proposed_at timestamptz NOT NULL,
    withdrawn_by_id bigint REFERENCES accounts_user (id),
    withdrawn_at timestamptz,
    decided_by_id bigint REFERENCES accounts_user (id),
    decided_at timestamptz,
    transaction_id uuid UNIQUE,
    CONSTRAINT return_names_whom_and_by_what_order CHECK ((outcome = 'return') = (victim_id IS NOT NULL) AND (outcome = 'keep' OR reference <> '')),
    CONSTRAINT two_decide CHECK (decided_by_id <> proposed_by_id),
    CONSTRAINT case_ends_one_way CHECK (num_nonnulls(decided_by_id, decided_at) IN (0, 2) AND num_nonnulls(withdrawn_by_id, withdrawn_at) IN (0, 2)
        AND num_nonnulls(decided_at, withdrawn_at) <= 1 AND least(decided_at, withdrawn_at) >= proposed_at
        AND (transaction_id IS NULL OR outcome = 'return' AND decided_at IS NOT NULL)),
    CONSTRAINT times_are_of_this_age CHECK (proposed_at >= '1990-01-01Z' AND greatest(proposed_at, decided_at, withdrawn_at) < '9000-01-01Z')
);
CREATE UNIQUE INDEX a_freeze_has_one_case ON linking_theftcase (freeze_id) WHERE withdrawn_at IS NULL;

CREATE FUNCTION linking_case_goes_by_the_clause() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    hold registry_freeze;
    standing registry_freeze;
    terms jsonb;
    administrators text[] := '{senior-registry-administrator,junior-registry-administrator}';
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (to_jsonb(NEW) - '{decided_by_id,decided_at,withdrawn_by_id,withdrawn_at,transaction_id}'::text[]
            <> to_jsonb(OLD) - '{decided_by_id,decided_at,withdrawn_by_id,withdrawn_at,transaction_id}'::text[]
            OR OLD.withdrawn_at IS NOT NULL OR OLD.decided_at IS NOT NULL AND (NEW.decided_by_id, NEW.decided_at) <> (OLD.decided_by_id, OLD.decided_at)
            OR NEW.transaction_id IS DISTINCT FROM OLD.transaction_id AND (OLD.transaction_id IS NOT NULL OR pg_trigger_depth() < 2)) THEN
        RAISE EXCEPTION 'a case is decided once, or taken back' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'INSERT' AND num_nonnulls(NEW.decided_at, NEW.withdrawn_at, NEW.transaction_id) > 0 THEN
        RAISE EXCEPTION 'a case begins undecided' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' AND NEW.transaction_id IS DISTINCT FROM OLD.transaction_id THEN
        RETURN NEW;
    END IF;
    SELECT * INTO hold FROM registry_freeze WHERE id = NEW.hold_id;
    SELECT * INTO standing FROM registry_freeze WHERE id = NEW.freeze_id;
    SELECT g.terms INTO terms FROM linking_agreement g WHERE g.id = hold.agreement_id;
    IF NEW.withdrawn_at IS NOT NULL THEN
        IF NOT linking_administers(NEW.withdrawn_by_id, hold.jurisdiction_id, administrators) THEN
            RAISE EXCEPTION 'user % may not take back a case', NEW.withdrawn_by_id USING ERRCODE = 'check_violation', CONSTRAINT = 'sides_decide';
        END IF;
        RETURN NEW;
    ELSIF hold.confirmed_by_id IS DISTINCT FROM standing.id OR standing.released_at IS NOT NULL
            OR (hold.first_no, hold.next_no) <> (standing.first_no, standing.next_no) THEN
        RAISE EXCEPTION 'a case is of units that are frozen in place of a hold' USING ERRCODE = 'check_violation', CONSTRAINT = 'case_is_of_a_confirmed_hold';
    ELSIF NEW.outcome <> (CASE WHEN terms ->> 'good_faith' = 'buyer-keeps' AND NEW.acquired_for_value THEN 'keep' ELSE 'return' END) THEN
        RAISE EXCEPTION 'the good-faith clause says otherwise' USING ERRCODE = 'check_violation', CONSTRAINT = 'outcome_is_what_the_clause_says';
    ELSIF NEW.outcome = 'return' AND (hold.jurisdiction_id = hold.origin_id OR NOT EXISTS (SELECT FROM accounts_account a
            WHERE a.id = NEW.victim_id AND a.jurisdiction_id = hold.origin_id)) THEN
        RAISE EXCEPTION 'units go home to an account of their issuer''s registry' USING ERRCODE = 'check_violation', CONSTRAINT = 'stolen_units_go_home';
    ELSIF TG_OP = 'INSERT' AND NOT linking_administers(NEW.proposed_by_id, hold.jurisdiction_id, administrators)
            OR TG_OP = 'UPDATE' AND NOT linking_administers(NEW.decided_by_id, hold.jurisdiction_id, administrators[1:1]) THEN
        RAISE EXCEPTION 'administrators of the registry in which the units lie decide' USING ERRCODE = 'check_violation', CONSTRAINT = 'sides_decide';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cases_go_by_the_clause BEFORE INSERT OR UPDATE OR DELETE ON linking_theftcase
    FOR EACH ROW EXECUTE FUNCTION linking_case_goes_by_the_clause();

-- Deciding releases the freeze, by the same two; where the units go home, a transaction that the same database transaction records
-- takes them there, or nothing of it holds.
CREATE FUNCTION linking_case_is_decided() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE registry_freeze SET release_requested_by_id = NEW.proposed_by_id, release_requested_at = NEW.decided_at,
        release_reason = 'case ' || NEW.id WHERE id = NEW.freeze_id;
    UPDATE registry_freeze SET released_by_id = NEW.decided_by_id, released_at = NEW.decided_at WHERE id = NEW.freeze_id;
    RETURN NULL;
END $$;
CREATE TRIGGER cases_are_decided AFTER UPDATE ON linking_theftcase
    FOR EACH ROW WHEN (OLD.decided_at IS NULL AND NEW.decided_at IS NOT NULL) EXECUTE FUNCTION linking_case_is_decided();
CREATE FUNCTION linking_case_is_carried_out() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM linking_theftcase c WHERE c.id = NEW.id AND c.transaction_id IS NOT NULL) THEN
        RAISE EXCEPTION 'the units of case % go home as it is decided', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'decided_units_go_home';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER cases_are_carried_out AFTER UPDATE ON linking_theftcase DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.decided_at IS NOT NULL AND NEW.outcome = 'return') EXECUTE FUNCTION linking_case_is_carried_out();

-- The restitution is of exactly the units of a decided case, to its victim, on its reference, once.
CREATE FUNCTION linking_gives_back_what_was_stolen(given registry_transaction) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE linking_theftcase c SET transaction_id = given.id FROM registry_freeze h
    WHERE h.id = c.hold_id AND c.outcome = 'return' AND c.decided_at IS NOT NULL AND c.transaction_id IS NULL AND given.state = 'COMPLETED'
        AND (given.jurisdiction_id, given.acquiring_id, given.initiator_id, given.reference, given.quantity)
            = (h.jurisdiction_id, c.victim_id, c.decided_by_id, c.reference, h.next_no - h.first_no)
        AND int8multirange(int8range(h.first_no, h.next_no)) = (SELECT range_agg(int8range(b.first_no, b.next_no)) FROM registry_transactionblock b
            WHERE b.transaction_id = given.id AND (b.origin_id, b.to_account_id) = (h.origin_id, c.victim_id));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'transaction % follows no decided case', given.id USING ERRCODE = 'check_violation', CONSTRAINT = 'restitution_follows_a_case';
    END IF;
END $$;

CREATE TRIGGER written_by_rule BEFORE INSERT OR UPDATE OR DELETE ON linking_notice FOR EACH ROW EXECUTE FUNCTION linking_is_written_by_rule();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON linking_notice EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON linking_theftcase EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER notices_never_change BEFORE UPDATE ON linking_notice FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
GRANT SELECT ON linking_notice, linking_theftcase TO registry_application, registry_auditor;
GRANT INSERT ON linking_theftcase TO registry_application;
GRANT UPDATE (decided_by_id, decided_at, withdrawn_by_id, withdrawn_at) ON linking_theftcase TO registry_application;
REVOKE EXECUTE ON FUNCTION linking_hold_terms, linking_notices_are_given, linking_stops_what_arrives, linking_leaves_by_its_issuers_leave, linking_case_goes_by_the_clause,
    linking_case_is_decided, linking_case_is_carried_out, linking_gives_back_what_was_stolen FROM PUBLIC;
