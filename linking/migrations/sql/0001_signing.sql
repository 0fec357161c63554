-- Who signs what, and what a concluded instrument brings about.

-- A registry administrator of exactly this jurisdiction: a role held everywhere is of no side.
CREATE FUNCTION linking_administers(person bigint, side bigint, wanted text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM accounts_user u JOIN accounts_userrole r ON r.user_id = u.id
        WHERE u.id = person AND u.is_active AND r.role = ANY (wanted) AND r.jurisdiction_id = side)
$$;

CREATE FUNCTION linking_is_other_sides(person bigint, side bigint, link bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM linking_link l, accounts_userrole r
            -- A role held everywhere is the other side's too.
            WHERE l.id = link AND r.user_id = person AND (r.jurisdiction_id IS NULL OR r.jurisdiction_id <> side
                    AND r.jurisdiction_id IN (l.first_id, l.second_id))
                AND r.role IN ('senior-registry-administrator', 'junior-registry-administrator'))
        OR EXISTS (SELECT FROM linking_signature s JOIN linking_instrument i ON i.id = s.instrument_id
            WHERE s.user_id = person AND i.link_id = link AND s.jurisdiction_id <> side)
$$;

CREATE FUNCTION linking_link_is_opened() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'links are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.degree <> 'none' OR NEW.open_corridor_id IS NOT NULL THEN
            RAISE EXCEPTION 'a link begins at the degree none' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    ELSIF pg_trigger_depth() < 2 OR (NEW.id, NEW.first_id, NEW.second_id) <> (OLD.id, OLD.first_id, OLD.second_id) THEN
        RAISE EXCEPTION 'a degree is raised and lowered by what is signed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER links_change_by_instruments BEFORE INSERT OR UPDATE OR DELETE ON linking_link
    FOR EACH ROW EXECUTE FUNCTION linking_link_is_opened();
CREATE FUNCTION linking_link_has_corridors() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO linking_corridor (link_id, origin_id, destination_id)
    VALUES (NEW.id, NEW.first_id, NEW.second_id), (NEW.id, NEW.second_id, NEW.first_id);
    RETURN NULL;
END $$;
CREATE TRIGGER links_have_two_corridors AFTER INSERT ON linking_link FOR EACH ROW EXECUTE FUNCTION linking_link_has_corridors();

-- Rows that only the triggers of this file write or change.
CREATE FUNCTION linking_is_written_by_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' OR pg_trigger_depth() < 2 OR TG_OP = 'DELETE' AND TG_TABLE_NAME <> 'linking_mechanismunit' THEN
        RAISE EXCEPTION 'rows of % are written by what was signed or has moved', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['linking_corridor', 'linking_agreement', 'linking_leave', 'linking_degreechange',
            'linking_mechanismunit', 'linking_delinking', 'linking_quotause', 'linking_margin'] LOOP
        EXECUTE format('CREATE TRIGGER written_by_rule BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION linking_is_written_by_rule()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['linking_link', 'linking_corridor', 'linking_instrument', 'linking_signature', 'linking_agreement',
            'linking_leave', 'linking_suspension', 'linking_condition', 'linking_degreechange', 'linking_mechanismunit',
            'linking_delinking', 'linking_quota', 'linking_quotause', 'linking_margin', 'linking_degreecondition'] LOOP
        EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %I EXECUTE FUNCTION registry_never_changes()', name);
    END LOOP;
END $$;
CREATE TRIGGER signatures_never_change BEFORE UPDATE OR DELETE ON linking_signature
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER conditions_never_change BEFORE UPDATE OR DELETE ON linking_condition
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER degree_conditions_never_change BEFORE UPDATE OR DELETE ON linking_degreecondition
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER quota_uses_never_change BEFORE UPDATE OR DELETE ON linking_quotause
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();

-- Growth of what is reserved and used above the limit is refused, also where the limit was lowered below it. Of a net flow the limit
-- is that of this direction, with what has come the other way: each direction's worst case, that all it has reserved completes and
-- nothing that waits opposite does.
CREATE FUNCTION linking_quota_is_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    bound bigint := NEW."limit";
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'quotas are counted by what crosses' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.reserved <> 0 OR NEW.used <> 0 THEN
            RAISE EXCEPTION 'a new quota has nothing taken from it' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    ELSIF (NEW.id, NEW.kind, NEW.corridor_id, NEW.year, NEW.vintage, NEW.holder_id, NEW.obligation_id, NEW.node)
            IS DISTINCT FROM (OLD.id, OLD.kind, OLD.corridor_id, OLD.year, OLD.vintage, OLD.holder_id, OLD.obligation_id, OLD.node) THEN
        RAISE EXCEPTION 'a quota stays what it is of' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.reserved + NEW.used <= OLD.reserved + OLD.used OR bound IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.kind = 'net-flow' THEN
        bound := bound + coalesce((SELECT q.used FROM linking_corridor c JOIN linking_corridor o
                ON (o.origin_id, o.destination_id) = (c.destination_id, c.origin_id)
            JOIN linking_quota q ON q.corridor_id = o.id AND q.kind = 'net-flow' AND q.year = NEW.year
            WHERE c.id = NEW.corridor_id), 0);
    END IF;
    IF NEW.reserved + NEW.used > bound THEN
        RAISE EXCEPTION 'the % quota % has % left', NEW.kind, NEW.id, greatest(0, bound - OLD.reserved - OLD.used)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'quota_is_kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quotas_are_kept BEFORE INSERT OR UPDATE OR DELETE ON linking_quota
    FOR EACH ROW EXECUTE FUNCTION linking_quota_is_kept();

-- The form of terms, as far as the effect relies on it; linking/rules/terms.py says more.
CREATE FUNCTION linking_terms_are_sound(terms jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_typeof(terms -> 'unit_types') = 'array' AND jsonb_array_length(terms -> 'unit_types') > 0
        AND jsonb_typeof(terms -> 'account_types') = 'array'
        AND (terms #>> '{rate,numerator}')::bigint BETWEEN 1 AND 2147483647 AND (terms #>> '{rate,denominator}')::bigint BETWEEN 1 AND 2147483647
        AND gcd((terms #>> '{rate,numerator}')::bigint, (terms #>> '{rate,denominator}')::bigint) = 1
        AND ((terms #>> '{rate,numerator}')::bigint <= (terms #>> '{rate,denominator}')::bigint
            OR terms #>> '{rate,kind}' = 'exchange' AND (terms #>> '{rate,exceeds_one}')::boolean AND (terms #>> '{rate,reserve}')::bigint > 0)
        AND (terms ->> 'notice_days')::integer >= 0 AND (terms ->> 'last_settlement_days')::integer >= 0
        AND terms ->> 'margin' IN ('retired', 'pooled')
        AND terms #>> '{delinking,policy}' IN ('honour', 'sunset', 'revert', 'freeze') AND (terms #>> '{delinking,notice_days}')::integer >= 0
$$;

CREATE FUNCTION linking_instrument_is_proposed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    link linking_link;
    way linking_corridor;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'instruments are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - '{concluded_at,withdrawn_at,withdrawn_by_id}'::text[] <> to_jsonb(OLD) - '{concluded_at,withdrawn_at,withdrawn_by_id}'::text[]
                OR OLD.concluded_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL
                OR NEW.concluded_at IS NOT NULL AND pg_trigger_depth() < 2 THEN
            RAISE EXCEPTION 'what is signed stays as it was proposed' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF NEW.withdrawn_at IS NOT NULL AND NOT EXISTS (SELECT FROM linking_link l WHERE l.id = NEW.link_id
                AND (linking_administers(NEW.withdrawn_by_id, l.first_id, '{senior-registry-administrator,junior-registry-administrator}')
                    AND l.first_id = coalesce(NEW.side_id, l.first_id)
                OR linking_administers(NEW.withdrawn_by_id, l.second_id, '{senior-registry-administrator,junior-registry-administrator}')
                    AND l.second_id = coalesce(NEW.side_id, l.second_id))) THEN
            RAISE EXCEPTION 'an administrator of a side that signs withdraws' USING ERRCODE = 'check_violation', CONSTRAINT = 'sides_withdraw';
        END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO link FROM linking_link WHERE id = NEW.link_id;
    SELECT * INTO way FROM linking_corridor WHERE id = NEW.corridor_id;
    NEW.content := NEW.document::jsonb;
    NEW.digest := encode(sha256(convert_to(NEW.document, 'UTF8')), 'hex');
    IF NEW.concluded_at IS NOT NULL OR NEW.withdrawn_at IS NOT NULL THEN
        RAISE EXCEPTION 'an instrument begins unsigned' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF way.link_id <> NEW.link_id OR NEW.side_id NOT IN (link.first_id, link.second_id)
            OR (NEW.kind IN ('terms', 'leave', 'resume')) <> (NEW.corridor_id IS NOT NULL) AND NEW.kind <> 'delink'
            OR (NEW.kind IN ('terms', 'raise', 'mechanisms')) <> (NEW.side_id IS NULL)
            OR NEW.kind = 'leave' AND NEW.side_id <> way.origin_id THEN
        RAISE EXCEPTION 'an instrument is of its link, and signed by whom it concerns' USING ERRCODE = 'check_violation', CONSTRAINT = 'instrument_is_of_its_link';
    ELSIF NOT EXISTS (SELECT FROM unnest(ARRAY[link.first_id, link.second_id]) side WHERE side = coalesce(NEW.side_id, side)
            AND linking_administers(NEW.proposed_by_id, side, '{senior-registry-administrator,junior-registry-administrator}')) THEN
        RAISE EXCEPTION 'an administrator of a side that signs proposes' USING ERRCODE = 'check_violation', CONSTRAINT = 'sides_propose';
    ELSIF NEW.kind = 'terms' THEN
        IF linking_terms_are_sound(NEW.content) IS NOT TRUE OR NOT EXISTS (SELECT FROM accounts_jurisdiction o, accounts_jurisdiction d
                WHERE (o.id, d.id) = (way.origin_id, way.destination_id)
                    AND (o.code, d.code) = (NEW.content #>> '{corridor,origin}', NEW.content #>> '{corridor,destination}')) THEN
            RAISE EXCEPTION 'the terms are not those of this corridor, or not sound' USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_are_sound';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER instruments_stay_as_proposed BEFORE INSERT OR UPDATE OR DELETE ON linking_instrument
    FOR EACH ROW EXECUTE FUNCTION linking_instrument_is_proposed();

CREATE FUNCTION linking_signature_is_given() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given linking_instrument;
    sides bigint[];
    before integer;
BEGIN
    SELECT * INTO given FROM linking_instrument WHERE id = NEW.instrument_id FOR UPDATE;
    SELECT CASE WHEN given.side_id IS NULL THEN ARRAY[first_id, second_id] ELSE ARRAY[given.side_id] END INTO sides
    FROM linking_link WHERE id = given.link_id;
    SELECT count(*) INTO before FROM linking_signature WHERE instrument_id = given.id AND jurisdiction_id = NEW.jurisdiction_id;
    IF given.concluded_at IS NOT NULL OR given.withdrawn_at IS NOT NULL OR NEW.at < given.proposed_at THEN
        RAISE EXCEPTION 'instrument % is not open for signature', given.id USING ERRCODE = 'check_violation', CONSTRAINT = 'instrument_is_open';
    ELSIF NOT NEW.jurisdiction_id = ANY (sides) OR before >= 2 THEN
        RAISE EXCEPTION 'two sign for each side that must' USING ERRCODE = 'check_violation', CONSTRAINT = 'two_sign_for_a_side';
    ELSIF NOT linking_administers(NEW.user_id, NEW.jurisdiction_id, CASE before WHEN 0 THEN
            '{senior-registry-administrator,junior-registry-administrator}'::text[] ELSE '{senior-registry-administrator}' END) THEN
        RAISE EXCEPTION 'an administrator of the side signs, and a senior one second' USING ERRCODE = 'check_violation', CONSTRAINT = 'administrators_sign';
    ELSIF linking_is_other_sides(NEW.user_id, NEW.jurisdiction_id, given.link_id) THEN
        RAISE EXCEPTION 'nobody signs for both sides of a link' USING ERRCODE = 'check_violation', CONSTRAINT = 'nobody_signs_for_both_sides';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signatures_are_given BEFORE INSERT ON linking_signature FOR EACH ROW EXECUTE FUNCTION linking_signature_is_given();

CREATE FUNCTION linking_degree_rank(degree text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['none', 'indirect', 'incremental', 'unilateral', 'restricted', 'reciprocal', 'formal'], degree)
$$;

-- Whether terms limit nothing: neither what enters nor what is used.
CREATE FUNCTION linking_is_unlimited(terms jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT NOT EXISTS (SELECT FROM unnest(ARRAY['entry_quota', 'net_flow_limit', 'holder_limit', 'reciprocity']) t WHERE jsonb_typeof(terms -> t) <> 'null')
        AND terms -> 'vintage_limits' = '{}' AND jsonb_array_length(terms -> 'use_quota') = 0
$$;

-- New terms of a corridor: the first take effect when they say or when signed, later ones after the notice of those they replace.
CREATE FUNCTION linking_conclude_terms(given linking_instrument, at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before linking_agreement;
    begins timestamptz := greatest((given.content ->> 'effective_from')::timestamptz, at);
BEGIN
    -- Whoever uses the corridor shares this lock.
    PERFORM FROM linking_corridor WHERE id = given.corridor_id FOR UPDATE;
    SELECT * INTO before FROM linking_agreement WHERE corridor_id = given.corridor_id ORDER BY version DESC LIMIT 1;
    IF (given.content ->> 'version')::integer <> coalesce(before.version, 0) + 1 THEN
        RAISE EXCEPTION 'the next version is %', coalesce(before.version, 0) + 1 USING ERRCODE = 'check_violation', CONSTRAINT = 'versions_are_counted';
    ELSIF before.superseded_at IS NULL AND begins < at + (before.terms ->> 'notice_days')::integer * interval '1 day'
            OR begins < before.effective_from OR begins < before.superseded_at THEN
        RAISE EXCEPTION 'new terms take effect after their notice' USING ERRCODE = 'check_violation', CONSTRAINT = 'new_terms_give_notice';
    ELSIF (SELECT l.degree = 'formal' FROM linking_link l WHERE l.id = given.link_id) AND (given.content ->> 'instrument' = ''
            OR given.content #>> '{rate,numerator}' <> '1' OR given.content #>> '{rate,denominator}' <> '1'
            OR NOT linking_is_unlimited(given.content)) THEN
        RAISE EXCEPTION 'at the degree formal the terms are one for one, without quota, by a named instrument'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_fit_the_degree';
    ELSIF (SELECT l.degree = 'restricted' FROM linking_link l WHERE l.id = given.link_id) AND linking_is_unlimited(given.content)
            AND (given.content #>> '{rate,numerator}', given.content #>> '{rate,denominator}') = ('1', '1') THEN
        RAISE EXCEPTION 'at the degree restricted the terms have a quota, a discount or an exchange rate'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_fit_the_degree';
    END IF;
    UPDATE linking_agreement SET superseded_at = begins,
        last_settlement_at = begins + (terms ->> 'last_settlement_days')::integer * interval '1 day'
    WHERE id = before.id AND superseded_at IS NULL;
    INSERT INTO linking_agreement (corridor_id, version, instrument_id, terms, digest, effective_from)
    VALUES (given.corridor_id, (given.content ->> 'version')::integer, given.id, given.content, given.digest, begins);
END $$;

-- Whether a condition of a step is met: ticked by whom it asks for, and not expired, or as the registry itself finds it. `way`: the
-- corridor that the step is about, null where it is about the link. That nothing blocks, PostgreSQL cannot compute: it asks for a tick.
CREATE FUNCTION linking_is_met(asked linking_degreecondition, link linking_link, way linking_corridor, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    in_force jsonb := (SELECT coalesce(jsonb_agg(a.terms), '[]') FROM linking_agreement a JOIN linking_corridor c ON c.id = a.corridor_id
        WHERE c.link_id = link.id AND c.id = coalesce(way.id, c.id) AND a.effective_from <= at AND coalesce(at < a.superseded_at, true));
    leaves bigint := (SELECT count(*) FROM linking_leave v JOIN linking_corridor c ON c.id = v.corridor_id
        WHERE c.link_id = link.id AND c.id = coalesce(way.id, c.id) AND v.valid_from <= at AND coalesce(at < v.valid_to, true));
    sides bigint[] := ARRAY(SELECT DISTINCT t.side_id FROM linking_condition t WHERE t.link_id = link.id AND t.code = asked.code
        AND t.ticked_at <= at AND coalesce(at < t.expires_at, true)
        -- A tick without an expiry counts until the link is lowered below its step.
        AND (t.expires_at IS NOT NULL OR NOT EXISTS (SELECT FROM linking_degreechange d WHERE d.link_id = link.id AND d.at > t.ticked_at AND d.at <= linking_is_met.at
            AND linking_degree_rank(d.from_degree) >= linking_degree_rank(asked.step) AND linking_degree_rank(d.to_degree) < linking_degree_rank(asked.step))));
BEGIN
    RETURN CASE
        WHEN asked.ticked_by = 'both' THEN cardinality(sides) = 2
        WHEN asked.ticked_by = 'origin' THEN way.origin_id = ANY (sides)
        WHEN asked.ticked_by = 'destination' THEN way.destination_id = ANY (sides)
        ELSE CASE asked.code
            WHEN 'leave-signed' THEN leaves = 1
            WHEN 'terms-in-force' THEN jsonb_array_length(in_force) = 1
            WHEN 'both-leaves-signed' THEN leaves = 2
            WHEN 'both-corridors-in-force' THEN jsonb_array_length(in_force) = 2
            WHEN 'restriction-agreed' THEN jsonb_array_length(in_force) > 0 AND NOT EXISTS (SELECT FROM jsonb_array_elements(in_force) t
                WHERE linking_is_unlimited(t) AND (t #>> '{rate,numerator}', t #>> '{rate,denominator}') = ('1', '1'))
            WHEN 'one-to-one' THEN jsonb_array_length(in_force) = 2 AND NOT EXISTS (SELECT FROM jsonb_array_elements(in_force) t
                WHERE (t #>> '{rate,numerator}', t #>> '{rate,denominator}') <> ('1', '1'))
            WHEN 'no-quota' THEN NOT EXISTS (SELECT FROM jsonb_array_elements(in_force) t WHERE NOT linking_is_unlimited(t))
            ELSE cardinality(sides) > 0 END
    END;
END $$;

CREATE FUNCTION linking_conclude_degree(given linking_instrument, at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    link linking_link;
    wanted text := given.content ->> 'to';
    missing text;
    way linking_corridor;
BEGIN
    PERFORM FROM linking_corridor WHERE link_id = given.link_id ORDER BY id FOR UPDATE;
    SELECT * INTO link FROM linking_link WHERE id = given.link_id FOR UPDATE;
    IF link.degree IS DISTINCT FROM given.content ->> 'from' OR linking_degree_rank(wanted) IS NULL
            OR given.kind = 'raise' AND linking_degree_rank(wanted) <> linking_degree_rank(link.degree) + 1
            OR given.kind = 'lower' AND linking_degree_rank(wanted) >= linking_degree_rank(link.degree) THEN
        RAISE EXCEPTION 'a degree is raised one step at a time from where it stands, or lowered'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'degrees_go_step_by_step';
    END IF;
    IF wanted = 'unilateral' THEN
        SELECT c.* INTO way FROM linking_corridor c JOIN accounts_jurisdiction o ON o.id = c.origin_id
            JOIN accounts_jurisdiction d ON d.id = c.destination_id
        WHERE c.link_id = link.id AND (o.code, d.code) = (given.content #>> '{open,origin}', given.content #>> '{open,destination}');
        IF way.id IS NULL THEN
            RAISE EXCEPTION 'at the degree unilateral one corridor is open, and named' USING ERRCODE = 'check_violation', CONSTRAINT = 'open_corridor_is_named';
        END IF;
    END IF;
    IF given.kind = 'raise' THEN
        SELECT string_agg(c.code, ', ' ORDER BY c.code) INTO missing FROM linking_degreecondition c
        WHERE c.step = wanted AND linking_is_met(c, link, way, at) IS NOT TRUE;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'for the degree % there is missing: %', wanted, missing
                USING ERRCODE = 'check_violation', CONSTRAINT = 'conditions_are_met';
        ELSIF wanted = 'formal' AND EXISTS (SELECT FROM linking_agreement a JOIN linking_corridor c ON c.id = a.corridor_id
                WHERE c.link_id = link.id AND a.effective_from <= at AND coalesce(at < a.superseded_at, true) AND a.terms ->> 'instrument' = '') THEN
            RAISE EXCEPTION 'at the degree formal the terms are by a named instrument' USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_fit_the_degree';
        END IF;
    END IF;
    UPDATE linking_link SET degree = wanted, open_corridor_id = way.id WHERE id = link.id;
    INSERT INTO linking_degreechange (link_id, from_degree, to_degree, instrument_id, at) VALUES (link.id, link.degree, wanted, given.id, at);
END $$;

-- Notice is given: after it the agreement ends. What is under way then is settled until its last settlement date, or is ended.
CREATE FUNCTION linking_conclude_delinking(given linking_instrument, at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    way linking_corridor;
    last linking_agreement;
    ends timestamptz;
BEGIN
    FOR way IN SELECT * FROM linking_corridor c WHERE c.link_id = given.link_id AND c.id = coalesce(given.corridor_id, c.id) ORDER BY id FOR UPDATE LOOP
        SELECT * INTO last FROM linking_agreement a WHERE a.corridor_id = way.id AND coalesce(a.superseded_at > at, true)
        ORDER BY a.version DESC LIMIT 1;
        -- Whose end is noticed already keeps that end.
        CONTINUE WHEN last.id IS NULL OR last.superseded_at IS NOT NULL;
        ends := greatest(at, last.effective_from) + (last.terms #>> '{delinking,notice_days}')::integer * interval '1 day';
        UPDATE linking_agreement SET superseded_at = ends, last_settlement_at = ends + CASE terms #>> '{delinking,under_way}'
                WHEN 'settle' THEN (terms ->> 'last_settlement_days')::integer ELSE 0 END * interval '1 day'
        WHERE id = last.id;
        INSERT INTO linking_delinking (corridor_id, instrument_id, noticed_at, takes_effect_at) VALUES (way.id, given.id, at, ends);
    END LOOP;
    IF NOT EXISTS (SELECT FROM linking_delinking d WHERE d.instrument_id = given.id) THEN
        RAISE EXCEPTION 'no agreement is in force that could end' USING ERRCODE = 'check_violation', CONSTRAINT = 'something_is_delinked';
    END IF;
END $$;

CREATE FUNCTION linking_conclude_others(given linking_instrument, signed_at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    begins timestamptz := greatest((given.content ->> 'valid_from')::timestamptz, signed_at);
BEGIN
    IF given.kind = 'leave' THEN
        PERFORM FROM linking_corridor WHERE id = given.corridor_id FOR UPDATE;
        UPDATE linking_leave SET valid_to = greatest(begins, valid_from) WHERE corridor_id = given.corridor_id AND coalesce(valid_to > begins, true);
        INSERT INTO linking_leave (corridor_id, instrument_id, "limit", valid_from, valid_to)
        VALUES (given.corridor_id, given.id, (given.content ->> 'limit')::bigint, begins, (given.content ->> 'valid_to')::timestamptz);
    ELSIF given.kind = 'resume' THEN
        PERFORM FROM linking_corridor WHERE id = given.corridor_id FOR UPDATE;
        UPDATE linking_suspension SET resumed_at = signed_at, resume_instrument_id = given.id
        WHERE corridor_id = given.corridor_id AND side_id = given.side_id AND resumed_at IS NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'nothing is suspended by that side' USING ERRCODE = 'check_violation', CONSTRAINT = 'what_is_suspended_resumes';
        END IF;
        UPDATE linking_corridor SET suspended_by_origin = suspended_by_origin AND origin_id <> given.side_id,
            suspended_by_destination = suspended_by_destination AND destination_id <> given.side_id WHERE id = given.corridor_id;
    ELSE
        PERFORM FROM linking_corridor WHERE link_id = given.link_id ORDER BY id FOR UPDATE;
        DELETE FROM linking_mechanismunit WHERE link_id = given.link_id;
        INSERT INTO linking_mechanismunit (link_id, unit_type_id)
        SELECT given.link_id, u.id FROM jsonb_array_elements(given.content -> 'unit_types') named
            JOIN accounts_jurisdiction j ON j.code = named ->> 0 JOIN registry_unittype u ON u.jurisdiction_id = j.id AND u.code = named ->> 1;
        IF (SELECT count(*) FROM linking_mechanismunit WHERE link_id = given.link_id) <> jsonb_array_length(given.content -> 'unit_types') THEN
            RAISE EXCEPTION 'a listed unit type is not known' USING ERRCODE = 'check_violation', CONSTRAINT = 'mechanism_units_are_known';
        END IF;
    END IF;
END $$;

CREATE FUNCTION linking_instrument_concludes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given linking_instrument;
BEGIN
    SELECT * INTO given FROM linking_instrument WHERE id = NEW.instrument_id;
    IF (SELECT count(*) FROM linking_signature s WHERE s.instrument_id = given.id) < (CASE WHEN given.side_id IS NULL THEN 4 ELSE 2 END) THEN
        RETURN NULL;
    END IF;
    UPDATE linking_instrument SET concluded_at = NEW.at WHERE id = given.id;
    CASE WHEN given.kind = 'terms' THEN PERFORM linking_conclude_terms(given, NEW.at);
        WHEN given.kind IN ('raise', 'lower') THEN PERFORM linking_conclude_degree(given, NEW.at);
        WHEN given.kind = 'delink' THEN PERFORM linking_conclude_delinking(given, NEW.at);
        ELSE PERFORM linking_conclude_others(given, NEW.at);
    END CASE;
    RETURN NULL;
END $$;
CREATE TRIGGER last_signature_concludes AFTER INSERT ON linking_signature FOR EACH ROW EXECUTE FUNCTION linking_instrument_concludes();

-- One person of either side suspends, at once: it waits for the transfers that share the corridor's row, and those after it see it.
CREATE FUNCTION linking_suspension_takes_effect() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    way linking_corridor;
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (pg_trigger_depth() < 2 OR OLD.resumed_at IS NOT NULL
            OR to_jsonb(NEW) - '{resumed_at,resume_instrument_id}'::text[] <> to_jsonb(OLD) - '{resumed_at,resume_instrument_id}'::text[]) THEN
        RAISE EXCEPTION 'a suspension ends by what two persons sign' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        RETURN NEW;
    END IF;
    SELECT * INTO way FROM linking_corridor WHERE id = NEW.corridor_id FOR UPDATE;
    IF NEW.side_id NOT IN (way.origin_id, way.destination_id) OR NEW.resumed_at IS NOT NULL OR NOT linking_administers(NEW.by_id, NEW.side_id,
            '{senior-registry-administrator,junior-registry-administrator}') THEN
        RAISE EXCEPTION 'an administrator of a side suspends for it' USING ERRCODE = 'check_violation', CONSTRAINT = 'sides_suspend';
    END IF;
    UPDATE linking_corridor SET suspended_by_origin = suspended_by_origin OR origin_id = NEW.side_id,
        suspended_by_destination = suspended_by_destination OR destination_id = NEW.side_id WHERE id = way.id;
    RETURN NEW;
END $$;
CREATE TRIGGER suspensions_take_effect BEFORE INSERT OR UPDATE OR DELETE ON linking_suspension
    FOR EACH ROW EXECUTE FUNCTION linking_suspension_takes_effect();

CREATE FUNCTION linking_condition_is_ticked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM linking_link l WHERE l.id = NEW.link_id AND NEW.side_id IN (l.first_id, l.second_id))
            OR NOT linking_administers(NEW.ticked_by_id, NEW.side_id, '{senior-registry-administrator,junior-registry-administrator}') THEN
        RAISE EXCEPTION 'an administrator of a side ticks for it' USING ERRCODE = 'check_violation', CONSTRAINT = 'sides_tick';
    ELSIF NEW.expires_at IS DISTINCT FROM NEW.ticked_at + (SELECT c.valid_days FROM linking_degreecondition c WHERE c.code = NEW.code) * interval '1 day' THEN
        RAISE EXCEPTION 'a condition expires when its table says' USING ERRCODE = 'check_violation', CONSTRAINT = 'conditions_expire_by_rule';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER conditions_are_ticked BEFORE INSERT ON linking_condition FOR EACH ROW EXECUTE FUNCTION linking_condition_is_ticked();
