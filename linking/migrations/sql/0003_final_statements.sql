-- The end of a corridor is stated once, in figures that PostgreSQL takes from the ledger itself: linking/rules/end_figures.py adds up the
-- same from the recorded ranges, and what is stated otherwise is refused. The instant is the end of the notice, whenever it is stated.

-- What waits although the terms that it was proposed under let it settle no more, and since when.
CREATE FUNCTION linking_ended(at timestamptz) RETURNS TABLE (transaction_id uuid, since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT t.id, linking_settles_until(t) FROM registry_transaction t
    WHERE t.completed_at IS NULL AND t.state IN ('AWAITING_APPROVAL', 'DELAYED') AND EXISTS (SELECT FROM registry_transactionblock b
            WHERE b.transaction_id = t.id AND (b.to_recognition_id IS NOT NULL OR b.origin_id <> t.jurisdiction_id))
        AND registry_terms_have_ended(t, at)
$$;

-- Where units abroad lie, by the account they are on.
CREATE FUNCTION linking_lies(account_type text, retires boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN account_type = 'SUR' THEN 'surrendered' WHEN account_type = 'MRG' THEN 'pooled' WHEN retires THEN 'cancelled' ELSE 'held' END
$$;

-- What a corridor has brought about by transactions completed before an instant: units that entered by it and returned (home, or onward),
-- and where the others lie: surrendered, pooled in the margin account, cancelled (all else that retires), or held. `value`: recognised
-- tonnes of what was surrendered and not reversed, rounded down once for each obligation and rate; `margin_retired`: the units retired
-- beyond it.
CREATE FUNCTION linking_end_figures(corridor bigint, at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    WITH counted AS (SELECT r.*, g.terms FROM registry_recognition r JOIN linking_agreement g ON g.id = r.agreement_id WHERE g.corridor_id = corridor),
    moved AS (
        SELECT b.next_no - b.first_no AS units, r1.id IS NOT NULL AS is_abroad, r1.rate_numerator, r1.rate_denominator,
            r2.id IS NOT NULL AND f.jurisdiction_id <> c.destination_id AS enters,
            r1.id IS NOT NULL AND a.jurisdiction_id <> c.destination_id AS returns,
            linking_lies(f.type_id, f.retires) AS before, linking_lies(a.type_id, a.retires) AS after,
            coalesce(t.obligation_id, o.obligation_id) AS obligation_id, CASE WHEN t.obligation_id IS NULL THEN -1 ELSE 1 END AS sign
        FROM linking_corridor c, registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id
            LEFT JOIN registry_transaction o ON o.id = t.reverses_id
            JOIN accounts_account a ON a.id = b.to_account_id LEFT JOIN accounts_account f ON f.id = b.from_account_id
            LEFT JOIN counted r1 ON r1.id = b.recognition_id LEFT JOIN counted r2 ON r2.id = b.to_recognition_id
        WHERE c.id = corridor AND t.state = 'COMPLETED' AND t.completed_at < at AND (r1.id IS NOT NULL OR r2.id IS NOT NULL)),
    summed AS (
        SELECT coalesce(sum(units) FILTER (WHERE enters), 0)::bigint AS entered, coalesce(sum(units) FILTER (WHERE returns), 0)::bigint AS returned,
            coalesce(sum(units * ((after = 'surrendered')::integer - (before = 'surrendered')::integer)) FILTER (WHERE is_abroad), 0)::bigint AS surrendered,
            coalesce(sum(units * ((after = 'pooled')::integer - (before = 'pooled')::integer)) FILTER (WHERE is_abroad), 0)::bigint AS pooled,
            coalesce(sum(units * ((after = 'cancelled')::integer - (before = 'cancelled')::integer)) FILTER (WHERE is_abroad), 0)::bigint AS cancelled
        FROM moved),
    worth AS (
        SELECT coalesce(sum(linking_value(w.units, w.rate_numerator, w.rate_denominator)), 0)::bigint AS value
        FROM (SELECT rate_numerator, rate_denominator, sum(units * sign)::bigint AS units FROM moved
            WHERE is_abroad AND obligation_id IS NOT NULL GROUP BY obligation_id, rate_numerator, rate_denominator) w)
    SELECT jsonb_build_object('entered', entered, 'returned', returned, 'held', entered - returned - surrendered - pooled - cancelled,
        'surrendered', surrendered, 'pooled', pooled, 'cancelled', cancelled, 'value', value, 'margin_retired', surrendered - value)
    FROM summed, worth
$$;

-- Units that waited to enter at an instant: proposed before it, and neither completed nor ended before it.
CREATE FUNCTION linking_under_way(corridor bigint, at timestamptz) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(b.next_no - b.first_no), 0)::bigint FROM linking_agreement g JOIN registry_recognition r ON r.agreement_id = g.id
        JOIN registry_transactionblock b ON b.to_recognition_id = r.id JOIN registry_transaction t ON t.id = b.transaction_id AND t.type_id = '3-0'
    WHERE g.corridor_id = corridor AND t.proposed_at < at AND coalesce(t.completed_at >= at, true)
        AND NOT EXISTS (SELECT FROM registry_transactionstep s WHERE s.transaction_id = t.id AND s.at < linking_under_way.at
            AND s.to_state IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED'))
$$;

-- The figures of each calendar year of the destination in which something changed, and in total. `held`: by how much more, or less.
CREATE FUNCTION linking_end_direction(corridor bigint, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before jsonb := linking_end_figures(corridor, '-infinity');
    years jsonb := '[]';
    after jsonb;
    change jsonb;
    zone text := (SELECT d.time_zone FROM linking_corridor c JOIN accounts_jurisdiction d ON d.id = c.destination_id WHERE c.id = corridor);
    first_year integer := (SELECT extract(year FROM min(t.completed_at) AT TIME ZONE zone) FROM linking_agreement g
        JOIN registry_recognition r ON r.agreement_id = g.id JOIN registry_transactionblock b ON b.to_recognition_id = r.id
        JOIN registry_transaction t ON t.id = b.transaction_id WHERE g.corridor_id = corridor);
BEGIN
    FOR of_year IN coalesce(first_year, 9999)..extract(year FROM at AT TIME ZONE zone)::integer LOOP
        after := linking_end_figures(corridor, least(at, make_timestamptz(of_year + 1, 1, 1, 0, 0, 0, zone)));
        SELECT jsonb_object_agg(key, value::bigint - (before ->> key)::bigint) INTO change FROM jsonb_each_text(after);
        IF EXISTS (SELECT FROM jsonb_each_text(change) WHERE value <> '0') THEN
            years := years || jsonb_build_array(change || jsonb_build_object('year', of_year));
        END IF;
        before := after;
    END LOOP;
    RETURN (SELECT jsonb_build_object('origin', o.code, 'destination', d.code, 'years', years, 'total', before, 'under_way', linking_under_way(corridor, at))
        FROM linking_corridor c JOIN accounts_jurisdiction o ON o.id = c.origin_id JOIN accounts_jurisdiction d ON d.id = c.destination_id WHERE c.id = corridor);
END $$;

-- All that is stated of the end of a corridor: its own direction first, then the opposite one as it stood at the same instant, and the
-- imbalance, which is what entered by it and did not return less the same of the opposite one.
CREATE FUNCTION linking_end_content(delinking bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ended linking_delinking;
    own jsonb;
    opposite jsonb;
BEGIN
    SELECT * INTO ended FROM linking_delinking WHERE id = delinking;
    own := linking_end_direction(ended.corridor_id, ended.takes_effect_at);
    SELECT linking_end_direction(o.id, ended.takes_effect_at) INTO opposite FROM linking_corridor c
        JOIN linking_corridor o ON (o.origin_id, o.destination_id) = (c.destination_id, c.origin_id) WHERE c.id = ended.corridor_id;
    RETURN jsonb_build_object('directions', jsonb_build_array(own, opposite), 'imbalance', jsonb_build_object(
        'total', (own #>> '{total,entered}')::bigint - (own #>> '{total,returned}')::bigint - (opposite #>> '{total,entered}')::bigint + (opposite #>> '{total,returned}')::bigint,
        'years', (SELECT coalesce(jsonb_agg(jsonb_build_object('year', w.of_year, 'units', w.units) ORDER BY w.of_year), '[]') FROM (
            SELECT (y ->> 'year')::integer AS of_year, sum(sign * ((y ->> 'entered')::bigint - (y ->> 'returned')::bigint))::bigint AS units
            FROM (VALUES (own, 1), (opposite, -1)) AS side (it, sign), jsonb_array_elements(side.it -> 'years') y GROUP BY 1) w WHERE w.units <> 0)));
END $$;

CREATE TABLE linking_finalstatement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delinking_id bigint NOT NULL REFERENCES linking_delinking (id),
    content jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT an_end_is_stated_once UNIQUE (delinking_id)
);

CREATE FUNCTION linking_end_is_stated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.made_at < (SELECT d.takes_effect_at FROM linking_delinking d WHERE d.id = NEW.delinking_id) THEN
        RAISE EXCEPTION 'an end is stated once it has come' USING ERRCODE = 'check_violation', CONSTRAINT = 'statements_follow_the_end';
    ELSIF NEW.content IS DISTINCT FROM linking_end_content(NEW.delinking_id) THEN
        RAISE EXCEPTION 'the ledger says otherwise: %', linking_end_content(NEW.delinking_id)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'figures_are_the_ledgers';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ends_are_stated BEFORE INSERT ON linking_finalstatement FOR EACH ROW EXECUTE FUNCTION linking_end_is_stated();
CREATE TRIGGER statements_never_change BEFORE UPDATE OR DELETE ON linking_finalstatement FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON linking_finalstatement EXECUTE FUNCTION registry_never_changes();

-- States the end of a corridor; false: it was stated before. Whoever uses the link's corridors has ended, since they share these locks.
CREATE FUNCTION linking_state_end(delinking bigint, stated jsonb, at timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM linking_corridor WHERE link_id = (SELECT c.link_id FROM linking_delinking d JOIN linking_corridor c ON c.id = d.corridor_id
        WHERE d.id = delinking) ORDER BY id FOR UPDATE;
    IF EXISTS (SELECT FROM linking_finalstatement s WHERE s.delinking_id = delinking) THEN
        RETURN false;
    END IF;
    INSERT INTO linking_finalstatement (delinking_id, content, made_at) VALUES (delinking, stated, at);
    RETURN true;
END $$;

GRANT SELECT ON linking_finalstatement TO registry_application, registry_auditor;
REVOKE EXECUTE ON FUNCTION linking_ended(timestamptz), linking_end_figures(bigint, timestamptz), linking_lies(text, boolean),
    linking_under_way(bigint, timestamptz), linking_end_direction(bigint, timestamptz), linking_end_content(bigint), linking_end_is_stated(),
    linking_state_end(bigint, jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION linking_ended(timestamptz), linking_state_end(bigint, jsonb, timestamptz) TO registry_application;
