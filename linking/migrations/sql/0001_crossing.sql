-- What crosses a link, as PostgreSQL itself judges it; linking/rules/checks.py gives the reasons. Locks, in the one order: accounts
-- (registry_facts), then corridors by id, shared, then quotas by id; blocks and sinks come after, in the effect.

CREATE FUNCTION linking_year(corridor bigint, at timestamptz) RETURNS smallint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT extract(year FROM at AT TIME ZONE d.time_zone)::smallint
    FROM linking_corridor c JOIN accounts_jurisdiction d ON d.id = c.destination_id WHERE c.id = corridor
$$;

-- The year of the quotas under given terms: 0 where they hold for the corridor's whole life.
CREATE FUNCTION linking_window(corridor bigint, terms jsonb, at timestamptz) RETURNS smallint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE terms #>> '{entry_quota,window}' WHEN 'life' THEN 0::smallint ELSE linking_year(corridor, at) END
$$;

-- Recognised tonnes of units, rounded down; exact, however large the terms of the rate.
CREATE FUNCTION linking_value(units bigint, numerator bigint, denominator bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT div(units::numeric * numerator, denominator)::bigint
$$;

-- A quota's row, made when it is the first of its kind.
CREATE FUNCTION linking_quota_of(of_kind text, corridor bigint, of_year smallint, of_vintage smallint DEFAULT NULL, holder bigint DEFAULT NULL,
    obligation bigint DEFAULT NULL, of_node text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    FOR turn IN 1..2 LOOP
        SELECT id INTO found_id FROM linking_quota q
        WHERE q.kind = of_kind AND q.year = of_year AND (q.corridor_id, q.vintage, q.holder_id, q.obligation_id, q.node)
            IS NOT DISTINCT FROM (corridor, of_vintage, holder, obligation, of_node);
        EXIT WHEN FOUND;
        INSERT INTO linking_quota (kind, corridor_id, year, vintage, holder_id, obligation_id, node)
        VALUES (of_kind, corridor, of_year, of_vintage, holder, obligation, of_node) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN found_id;
END $$;

-- What units count as under an agreement and the entry quota they came in by (both null: at home), in the period they had; made when
-- it is the first. Alone, so that two do not take one id.
CREATE FUNCTION linking_recognised(before integer, agreement bigint, quota bigint) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_id integer;
    numerator bigint;
    denominator bigint;
BEGIN
    SELECT coalesce(max((a.terms #>> '{rate,numerator}')::bigint), 1), coalesce(max((a.terms #>> '{rate,denominator}')::bigint), 1)
    INTO numerator, denominator FROM linking_agreement a WHERE a.id = agreement;
    FOR turn IN 1..2 LOOP
        SELECT r.id INTO found_id FROM registry_recognition b JOIN registry_recognition r ON r.applicable_period = b.applicable_period
            AND (r.rate_numerator, r.rate_denominator, r.agreement_id, r.quota_id) IS NOT DISTINCT FROM (numerator, denominator, agreement, quota)
        WHERE b.id = before;
        IF FOUND THEN
            RETURN found_id;
        ELSIF turn = 1 THEN
            LOCK TABLE registry_recognition IN SHARE ROW EXCLUSIVE MODE;
        END IF;
    END LOOP;
    INSERT INTO registry_recognition (id, rate_numerator, rate_denominator, applicable_period, agreement_id, quota_id)
    SELECT (SELECT max(id) + 1 FROM registry_recognition), numerator, denominator, b.applicable_period, agreement, quota
    FROM registry_recognition b WHERE b.id = before RETURNING id INTO found_id;
    RETURN found_id;
END $$;

-- The imbalance of a corridor in a year: what came in by it, waits to come included, less what has come in by the opposite one.
CREATE FUNCTION linking_imbalance(corridor bigint, of_year smallint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT q.reserved + q.used FROM linking_quota q WHERE q.kind = 'net-flow' AND q.corridor_id = corridor AND q.year = of_year), 0)
        - coalesce((SELECT q.used FROM linking_corridor c JOIN linking_corridor o ON (o.origin_id, o.destination_id) = (c.destination_id, c.origin_id)
            JOIN linking_quota q ON q.kind = 'net-flow' AND q.corridor_id = o.id AND q.year = of_year WHERE c.id = corridor), 0)
$$;

-- The entry limit of terms, as their reciprocity clause shrinks it at an imbalance; null: none.
CREATE FUNCTION linking_entry_limit(terms jsonb, imbalance bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((SELECT linking_value((terms #>> '{entry_quota,limit}')::bigint, (t ->> 'numerator')::bigint, (t ->> 'denominator')::bigint)
        FROM jsonb_array_elements(CASE jsonb_typeof(terms #> '{reciprocity,taper}') WHEN 'array' THEN terms #> '{reciprocity,taper}' ELSE '[]' END) t
        WHERE (t ->> 'from')::bigint <= imbalance ORDER BY (t ->> 'from')::bigint DESC LIMIT 1), (terms #>> '{entry_quota,limit}')::bigint)
$$;

-- Units as an entry quota counts them: recognised tonnes are rounded up on the way in and down on the way home.
CREATE FUNCTION linking_counted(terms jsonb, units bigint, entering boolean) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN terms #>> '{entry_quota,measure}' IS DISTINCT FROM 'recognised' THEN units
        WHEN entering THEN linking_value(units, (terms #>> '{rate,numerator}')::bigint, (terms #>> '{rate,denominator}')::bigint)
            + CASE WHEN mod(units::numeric * (terms #>> '{rate,numerator}')::bigint, (terms #>> '{rate,denominator}')::bigint) = 0 THEN 0 ELSE 1 END
        ELSE linking_value(units, (terms #>> '{rate,numerator}')::bigint, (terms #>> '{rate,denominator}')::bigint) END
$$;

-- From when on units of an agreement may not go some way, by what is proposed at an instant; null: they always may. `way`: home, within
-- (moved, surrendered, cancelled here). After the end of a corridor the policy of the terms that the units came by holds: what was bought
-- is what they are. What was on its way home before is settled until the last settlement, where those terms settle what is under way.
CREATE FUNCTION linking_binds_from(agreement bigint, way text, proposed_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT w.begins + CASE WHEN way = 'home' AND proposed_at < w.begins AND w.terms #>> '{delinking,under_way}' = 'settle'
        THEN (w.terms ->> 'last_settlement_days')::integer ELSE 0 END * interval '1 day'
    FROM (SELECT a.terms, CASE a.terms #>> '{delinking,policy}' WHEN 'freeze' THEN d.takes_effect_at
            WHEN 'revert' THEN CASE way WHEN 'home' THEN NULL ELSE d.takes_effect_at END
            WHEN 'sunset' THEN CASE way WHEN 'home' THEN NULL
                ELSE d.takes_effect_at + (a.terms #>> '{delinking,sunset_days}')::integer * interval '1 day' END END AS begins
        FROM linking_agreement a JOIN linking_delinking d ON d.corridor_id = a.corridor_id AND d.takes_effect_at > a.effective_from
        WHERE a.id = agreement ORDER BY d.takes_effect_at LIMIT 1) w
$$;

-- Why units of an agreement may not go some way at an instant, by what was proposed then or before; null: they may.
CREATE FUNCTION linking_bound(agreement bigint, way text, at timestamptz, proposed_at timestamptz DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT a.terms #>> '{delinking,policy}' FROM linking_agreement a
    WHERE a.id = agreement AND at >= linking_binds_from(agreement, way, coalesce(proposed_at, at))
$$;

-- What a transaction does on the corridors of a link: `entry` by the corridor issuer -> acquirer's registry, `home` off the corridor that
-- the units came by. Onward is both.
CREATE FUNCTION linking_legs(wanted uuid) RETURNS TABLE (way text, corridor_id bigint, agreement_id bigint, year smallint, unit_type text,
    vintage smallint, holder_id bigint, account_type text, quota_id bigint, units bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT leg.way, q.corridor_id, leg.agreement_id, q.year, u.code, s.vintage, leg.holder_id, leg.account_type, q.id, sum(b.next_no - b.first_no)::bigint
    FROM registry_transactionblock b JOIN accounts_account f ON f.id = b.from_account_id JOIN accounts_account a ON a.id = b.to_account_id
        JOIN registry_series s ON s.id = b.series_id JOIN registry_unittype u ON u.id = s.unit_type_id
        JOIN registry_recognition r1 ON r1.id = b.recognition_id JOIN registry_recognition r2 ON r2.id = b.to_recognition_id
        CROSS JOIN LATERAL (VALUES ('entry', r2.agreement_id, r2.quota_id, a.holder_id, a.type_id), ('home', r1.agreement_id, r1.quota_id, f.holder_id, f.type_id))
            AS leg (way, agreement_id, quota_id, holder_id, account_type)
        JOIN linking_quota q ON q.id = leg.quota_id
    WHERE b.transaction_id = wanted
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY leg.way, q.corridor_id, leg.agreement_id, q.year, u.code, s.vintage, leg.holder_id, leg.account_type
$$;

-- Each range goes from one registry to another; what it counts as before and after is what the corridor it uses says.
CREATE FUNCTION linking_ranges_cross(given registry_transaction) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM registry_transactionblock b JOIN accounts_account f ON f.id = b.from_account_id
            JOIN accounts_account a ON a.id = b.to_account_id WHERE b.transaction_id = given.id AND f.jurisdiction_id = a.jurisdiction_id) THEN
        RAISE EXCEPTION 'transaction % crosses no link', given.id USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_crosses_a_link';
    ELSIF EXISTS (SELECT FROM registry_transactionblock b JOIN accounts_account f ON f.id = b.from_account_id
            JOIN accounts_account a ON a.id = b.to_account_id
            JOIN registry_recognition r1 ON r1.id = b.recognition_id JOIN registry_recognition r2 ON r2.id = b.to_recognition_id
            LEFT JOIN linking_agreement g1 ON g1.id = r1.agreement_id LEFT JOIN linking_corridor c1 ON c1.id = g1.corridor_id
            LEFT JOIN linking_agreement g2 ON g2.id = r2.agreement_id LEFT JOIN linking_corridor c2 ON c2.id = g2.corridor_id
            LEFT JOIN linking_quota q2 ON q2.id = r2.quota_id
            WHERE b.transaction_id = given.id AND (
                r2.applicable_period <> r1.applicable_period
                OR CASE WHEN f.jurisdiction_id = b.origin_id THEN r1.agreement_id IS NOT NULL
                    ELSE (c1.origin_id, c1.destination_id) IS DISTINCT FROM (b.origin_id, f.jurisdiction_id) END
                OR CASE WHEN a.jurisdiction_id = b.origin_id THEN (r2.agreement_id, r2.rate_numerator, r2.rate_denominator) IS DISTINCT FROM (NULL::bigint, 1::bigint, 1::bigint)
                    ELSE (c2.origin_id, c2.destination_id, q2.kind, q2.corridor_id, q2.year, r2.rate_numerator, r2.rate_denominator) IS DISTINCT FROM
                        (b.origin_id, a.jurisdiction_id, 'entry', c2.id, linking_window(c2.id, g2.terms, given.proposed_at),
                            (g2.terms #>> '{rate,numerator}')::bigint, (g2.terms #>> '{rate,denominator}')::bigint) END)) THEN
        RAISE EXCEPTION 'units of transaction % do not count as their corridor says', given.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recognition_is_what_the_terms_say';
    END IF;
END $$;

-- Whether a corridor lets something in: by the degree of its link, its suspension and its end. Null: it does.
CREATE FUNCTION linking_shut(corridor bigint, of_type text, at timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN c.suspended_by_origin OR c.suspended_by_destination THEN 'corridor_is_not_suspended'
        WHEN NOT (linking_degree_rank(l.degree) >= linking_degree_rank('restricted') OR l.degree = 'unilateral' AND l.open_corridor_id = c.id
            OR linking_degree_rank(l.degree) >= linking_degree_rank('indirect') AND EXISTS (SELECT FROM linking_mechanismunit m
                JOIN registry_unittype u ON u.id = m.unit_type_id WHERE m.link_id = l.id AND u.jurisdiction_id = c.origin_id AND u.code = of_type))
            THEN 'link_is_in_force' END
    FROM linking_corridor c JOIN linking_link l ON l.id = c.link_id WHERE c.id = corridor
$$;

-- What a rate above one makes of units beyond themselves: rounded up on the way in, down on the way home. Nought at a discount.
CREATE FUNCTION linking_added(terms jsonb, units bigint, entering boolean) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(0, linking_value(units, (terms #>> '{rate,numerator}')::bigint, (terms #>> '{rate,denominator}')::bigint) - units
        + CASE WHEN entering AND mod(units::numeric * (terms #>> '{rate,numerator}')::bigint, (terms #>> '{rate,denominator}')::bigint) <> 0
            AND (terms #>> '{rate,numerator}')::bigint > (terms #>> '{rate,denominator}')::bigint THEN 1 ELSE 0 END)
$$;

-- The units set aside in a registry to cover rates above one: its own, in its margin account or cancelled out of it, which is the one way
-- that they leave.
CREATE FUNCTION linking_reserve_held(registry bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT sum(h.quantity) FROM accounts_account a JOIN registry_holding h ON h.account_id = a.id
            JOIN registry_series s ON s.id = h.series_id
        WHERE a.type_id = 'MRG' AND a.jurisdiction_id = registry AND s.origin_id = registry), 0)::bigint
        + coalesce((SELECT sum(b.next_no - b.first_no) FROM accounts_account a JOIN registry_transactionblock b ON b.from_account_id = a.id
            JOIN registry_transaction t ON t.id = b.transaction_id
        WHERE a.type_id = 'MRG' AND a.jurisdiction_id = registry AND b.origin_id = registry AND t.type_id = '4-48' AND t.state = 'COMPLETED'), 0)::bigint
$$;

-- What of them is left for a corridor: the other corridors into its destination take from the same.
CREATE FUNCTION linking_reserve_left(corridor bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT linking_reserve_held(w.destination_id) - (SELECT coalesce(sum(q.reserved + q.used), 0)::bigint FROM linking_quota q
        JOIN linking_corridor c ON c.id = q.corridor_id WHERE q.kind = 'reserve' AND c.destination_id = w.destination_id AND c.id <> w.id)
    FROM linking_corridor w WHERE w.id = corridor
$$;

CREATE FUNCTION linking_take(given registry_transaction, quota bigint, bound bigint, quantity bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF quantity > 0 THEN
        UPDATE linking_quota SET "limit" = bound, reserved = reserved + CASE given.state WHEN 'COMPLETED' THEN 0 ELSE quantity END,
            used = used + CASE given.state WHEN 'COMPLETED' THEN quantity ELSE 0 END WHERE id = quota;
        INSERT INTO linking_quotause (transaction_id, quota_id, way, units) VALUES (given.id, quota, 'take', quantity);
    END IF;
END $$;

-- Gives back to what was used: a holder who bought the units here may give back less than it sends home, for it brought in less.
CREATE FUNCTION linking_give_back(given registry_transaction, quota bigint, quantity bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF quantity > 0 THEN
        IF given.state = 'COMPLETED' THEN
            UPDATE linking_quota SET used = greatest(0, used - quantity) WHERE id = quota;
        END IF;
        INSERT INTO linking_quotause (transaction_id, quota_id, way, units) VALUES (given.id, quota, 'back', quantity);
    END IF;
END $$;

-- An entry: by terms in force when it was proposed, with the origin's leave, of units and into accounts that the terms name.
CREATE FUNCTION linking_enters(given registry_transaction) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    leg record;
    terms jsonb;
    shut text;
    bound bigint;
    net smallint;
    before bigint;
BEGIN
    FOR leg IN SELECT l.*, g.terms, g.effective_from, g.superseded_at FROM linking_legs(given.id) l JOIN linking_agreement g ON g.id = l.agreement_id
            WHERE l.way = 'entry' LOOP
        terms := leg.terms;
        shut := linking_shut(leg.corridor_id, leg.unit_type, given.proposed_at);
        IF shut IS NOT NULL THEN
            RAISE EXCEPTION 'corridor % lets nothing in', leg.corridor_id USING ERRCODE = 'check_violation', CONSTRAINT = shut;
        ELSIF given.proposed_at < leg.effective_from OR given.proposed_at >= leg.superseded_at THEN
            RAISE EXCEPTION 'agreement % is not in force', leg.agreement_id USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_are_in_force';
        ELSIF NOT terms -> 'unit_types' ? leg.unit_type OR leg.vintage < (terms ->> 'first_vintage')::integer
                OR leg.vintage > (terms ->> 'last_vintage')::integer OR NOT terms -> 'account_types' ? leg.account_type THEN
            RAISE EXCEPTION 'the terms recognise no % % in such an account', leg.unit_type, leg.vintage
                USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_recognise_the_units';
        ELSIF jsonb_typeof(terms -> 'settlement_days') = 'array' AND given.state = 'COMPLETED' AND NOT terms -> 'settlement_days' ?
                (SELECT (given.completed_at AT TIME ZONE d.time_zone)::date::text FROM linking_corridor c
                    JOIN accounts_jurisdiction d ON d.id = c.destination_id WHERE c.id = leg.corridor_id) THEN
            RAISE EXCEPTION 'the terms settle on other days' USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_day_is_agreed';
        END IF;
        SELECT v."limit" INTO bound FROM linking_leave v WHERE v.corridor_id = leg.corridor_id AND v.valid_from <= given.proposed_at
            AND coalesce(given.proposed_at < v.valid_to, true);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the origin permits no export by corridor %', leg.corridor_id USING ERRCODE = 'check_violation', CONSTRAINT = 'origin_permits_the_export';
        END IF;
        -- The leave is for a year, whatever window the destination gives its own quota.
        net := linking_year(leg.corridor_id, given.proposed_at);
        PERFORM linking_take(given, linking_quota_of('leave', leg.corridor_id, net), bound, leg.units);
        PERFORM FROM linking_quota WHERE id IN (SELECT linking_quota_of('net-flow', c.id, net) FROM linking_corridor c
            WHERE c.link_id = (SELECT w.link_id FROM linking_corridor w WHERE w.id = leg.corridor_id)) ORDER BY id FOR NO KEY UPDATE;
        -- As it was before this transaction, however many legs it has.
        before := linking_imbalance(leg.corridor_id, net) - coalesce((SELECT sum(u.units) FROM linking_quotause u
            WHERE u.transaction_id = given.id AND u.way = 'take' AND u.quota_id = linking_quota_of('net-flow', leg.corridor_id, net)), 0);
        IF linking_imbalance(leg.corridor_id, net) + leg.units > (terms #>> '{reciprocity,suspend}')::bigint THEN
            RAISE EXCEPTION 'the reciprocity clause suspends corridor %', leg.corridor_id USING ERRCODE = 'check_violation', CONSTRAINT = 'flows_are_reciprocal';
        END IF;
        PERFORM linking_take(given, leg.quota_id, linking_entry_limit(terms, before), linking_counted(terms, leg.units, true));
        PERFORM linking_take(given, linking_quota_of('net-flow', leg.corridor_id, net), (terms ->> 'net_flow_limit')::bigint, leg.units);
        IF linking_added(terms, leg.units, true) > 0 THEN
            PERFORM FROM linking_quota WHERE id IN (SELECT linking_quota_of('reserve', c.id, 0::smallint) FROM linking_corridor c
                WHERE c.destination_id = (SELECT w.destination_id FROM linking_corridor w WHERE w.id = leg.corridor_id)) ORDER BY id FOR NO KEY UPDATE;
            PERFORM linking_take(given, linking_quota_of('reserve', leg.corridor_id, 0::smallint), (terms #>> '{rate,reserve}')::bigint,
                linking_added(terms, leg.units, true));
            IF (SELECT q.reserved + q.used FROM linking_quota q WHERE q.id = linking_quota_of('reserve', leg.corridor_id, 0::smallint))
                    > linking_reserve_left(leg.corridor_id) THEN
                RAISE EXCEPTION 'a rate above one is covered by units set aside' USING ERRCODE = 'check_violation', CONSTRAINT = 'reserve_covers_the_rate';
            END IF;
        END IF;
        IF terms -> 'vintage_limits' ? leg.vintage::text THEN
            PERFORM linking_take(given, linking_quota_of('vintage', leg.corridor_id, leg.year, leg.vintage), (terms -> 'vintage_limits' ->> leg.vintage::text)::bigint, leg.units);
        END IF;
        IF (terms ->> 'holder_limit') IS NOT NULL THEN
            PERFORM linking_take(given, linking_quota_of('holder', leg.corridor_id, leg.year, NULL, leg.holder_id), (terms ->> 'holder_limit')::bigint, leg.units);
        END IF;
    END LOOP;
END $$;

-- Going home gives back to the windows that were used. The year of the net flow and of the leave is that of the entry quota; where that
-- holds for a whole life, the year of the return.
CREATE FUNCTION linking_goes_home(given registry_transaction) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    leg record;
    bound text;
    quota bigint;
    net smallint;
BEGIN
    FOR leg IN SELECT l.*, g.terms FROM linking_legs(given.id) l JOIN linking_agreement g ON g.id = l.agreement_id WHERE l.way = 'home' LOOP
        bound := linking_bound(leg.agreement_id, 'home', given.proposed_at);
        IF bound IS NOT NULL THEN
            RAISE EXCEPTION 'units of agreement % are bound by its end: %', leg.agreement_id, bound
                USING ERRCODE = 'check_violation', CONSTRAINT = 'units_abroad_are_free';
        END IF;
        PERFORM linking_give_back(given, leg.quota_id, linking_counted(leg.terms, leg.units, false));
        net := CASE leg.year WHEN 0 THEN linking_year(leg.corridor_id, given.proposed_at) ELSE leg.year END;
        PERFORM linking_give_back(given, linking_quota_of('leave', leg.corridor_id, net), leg.units);
        PERFORM linking_give_back(given, linking_quota_of('net-flow', leg.corridor_id, net), leg.units);
        IF linking_added(leg.terms, leg.units, false) > 0 THEN
            PERFORM linking_give_back(given, linking_quota_of('reserve', leg.corridor_id, 0::smallint), linking_added(leg.terms, leg.units, false));
        END IF;
        IF leg.terms -> 'vintage_limits' ? leg.vintage::text THEN
            PERFORM linking_give_back(given, linking_quota_of('vintage', leg.corridor_id, leg.year, leg.vintage), leg.units);
        END IF;
        -- What its holder has brought in is given back to it; one that bought here never took from it, nor did what came by terms without
        -- such a limit.
        SELECT id INTO quota FROM linking_quota q WHERE q.kind = 'holder' AND q.corridor_id = leg.corridor_id AND q.year = leg.year AND q.holder_id = leg.holder_id;
        IF FOUND AND leg.terms ->> 'holder_limit' IS NOT NULL THEN
            PERFORM linking_give_back(given, quota, leg.units);
        END IF;
    END LOOP;
END $$;

-- Foreign units surrendered for an obligation by issuer and rate, of transactions that have not ended without effect and were not
-- reversed; with `only_completed`, of completed ones. Units of 1 t CO2e at home.
CREATE FUNCTION linking_surrendered(obligation bigint, only_completed boolean, but_for uuid DEFAULT NULL)
RETURNS TABLE (origin_id bigint, unit_type text, rate_numerator bigint, rate_denominator bigint, units bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT b.origin_id, u.code, r.rate_numerator, r.rate_denominator, sum(b.next_no - b.first_no)::bigint
    FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id JOIN registry_recognition r ON r.id = b.recognition_id
        JOIN registry_series s ON s.id = b.series_id JOIN registry_unittype u ON u.id = s.unit_type_id
    WHERE t.obligation_id = obligation AND t.state NOT IN ('REJECTED', 'CANCELLED', 'TERMINATED') AND (t.state = 'COMPLETED' OR NOT only_completed)
        AND b.origin_id <> t.jurisdiction_id AND t.id IS DISTINCT FROM but_for
        AND NOT EXISTS (SELECT FROM registry_transaction u WHERE u.reverses_id = t.id AND u.state = 'COMPLETED')
    GROUP BY 1, 2, 3, 4
$$;

-- The nodes that limit what an operator may cover with linked units: those of the terms that its surrendered units, and these, came by, of
-- each corridor as its latest version among them has it. A name is one corridor's: two corridors' nodes of one name are two.
CREATE FUNCTION linking_use_nodes(obligation bigint, these integer[] DEFAULT '{}') RETURNS TABLE (name text, node jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT ON (o.code, n ->> 'name') o.code || ' ' || (n ->> 'name'), n
    FROM (SELECT b.recognition_id FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id
            WHERE t.obligation_id = obligation AND t.state NOT IN ('REJECTED', 'CANCELLED', 'TERMINATED')
            UNION SELECT unnest(these)) w
        JOIN registry_recognition r ON r.id = w.recognition_id JOIN linking_agreement g ON g.id = r.agreement_id
        JOIN linking_corridor c ON c.id = g.corridor_id JOIN accounts_jurisdiction o ON o.id = c.origin_id
        CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(g.terms -> 'use_quota') WHEN 'array' THEN g.terms -> 'use_quota' ELSE '[]' END) n
    ORDER BY o.code, n ->> 'name', g.version DESC
$$;

-- The required reduction of a facility over some years, base times factor, rounded down once: everything is brought to one denominator.
CREATE FUNCTION linking_required_reduction(facility bigint, from_year integer, to_year integer) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    of record;
    total numeric := 0;
    common numeric := 1;
    larger numeric;
BEGIN
    FOR of IN SELECT b.base, b.factor_numerator, b.factor_denominator FROM registry_recordedbase b
            WHERE b.installation_id = facility AND b.year BETWEEN from_year AND to_year
                AND NOT EXISTS (SELECT FROM registry_recordedbase c WHERE c.corrects_id = b.id) LOOP
        larger := lcm(common, of.factor_denominator);
        total := total * div(larger, common) + of.base::numeric * of.factor_numerator * div(larger, of.factor_denominator);
        common := larger;
    END LOOP;
    RETURN div(total, common)::bigint;
END $$;

-- What a node's ratio is of, t CO2e, in the year of the obligation or, where the node says so and the registry has periods, in its period;
-- 0 where nothing is recorded.
CREATE FUNCTION linking_use_base(obligation bigint, node jsonb) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(CASE node ->> 'base' WHEN 'verified-emissions' THEN (SELECT sum(e.quantity)::bigint FROM registry_recordedemissions e
            WHERE e.installation_id = o.installation_id AND e.year BETWEEN y.first_year AND y.last_year AND NOT e.excluded
                AND NOT EXISTS (SELECT FROM registry_recordedemissions c WHERE c.corrects_id = e.id))
        WHEN 'allocation' THEN (SELECT sum(r.quantity)::bigint FROM registry_allocation r JOIN registry_transaction t ON t.allocation_id = r.id AND t.state = 'COMPLETED'
            WHERE r.installation_id = o.installation_id AND r.vintage BETWEEN y.first_year AND y.last_year)
        WHEN 'required-reduction' THEN linking_required_reduction(o.installation_id, y.first_year, y.last_year) END, 0)
    FROM registry_obligation o LEFT JOIN LATERAL registry_period_of(o.jurisdiction_id, o.year) p ON node ->> 'window' = 'period'
        CROSS JOIN LATERAL (SELECT coalesce(p.first_year, o.year) AS first_year, coalesce(p.last_year, o.year) AS last_year) y
    WHERE o.id = obligation
$$;

-- The recognised tonnes that count under a node: rounded down once for each issuer and rate.
CREATE FUNCTION linking_node_uses(obligation bigint, node jsonb, only_completed boolean) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(linking_value(w.units, w.rate_numerator, w.rate_denominator)), 0)::bigint
    FROM (SELECT s.origin_id, s.rate_numerator, s.rate_denominator, sum(s.units)::bigint AS units FROM linking_surrendered(obligation, only_completed) s
            JOIN accounts_jurisdiction j ON j.id = s.origin_id
        WHERE node -> 'origins' ? j.code AND (jsonb_array_length(node -> 'unit_types') = 0 OR node -> 'unit_types' ? s.unit_type)
        GROUP BY 1, 2, 3) w
$$;

-- Count an operator's use of foreign units anew, under every node, and the margin of what it has surrendered.
CREATE FUNCTION linking_count_uses(obligation bigint) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    limited record;
    done bigint;
BEGIN
    FOR limited IN SELECT name, node FROM linking_use_nodes(obligation) ORDER BY name LOOP
        PERFORM FROM linking_quota WHERE id = linking_quota_of('use', NULL, 0::smallint, NULL, NULL, obligation, limited.name) FOR NO KEY UPDATE;
        done := linking_node_uses(obligation, limited.node, true);
        UPDATE linking_quota SET used = done, reserved = linking_node_uses(obligation, limited.node, false) - done,
            "limit" = linking_value(linking_use_base(obligation, limited.node), (limited.node ->> 'numerator')::bigint, (limited.node ->> 'denominator')::bigint)
        WHERE id = linking_quota_of('use', NULL, 0::smallint, NULL, NULL, obligation, limited.name);
    END LOOP;
    -- Under nodes that no surrender counts under any more, since the last has ended without effect, nothing is used.
    UPDATE linking_quota q SET used = 0, reserved = 0 WHERE q.kind = 'use' AND q.obligation_id = obligation AND (q.used, q.reserved) <> (0, 0)
        AND NOT EXISTS (SELECT FROM linking_use_nodes(obligation) n WHERE n.name = q.node);
END $$;

CREATE FUNCTION linking_book_margin(obligation bigint) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO linking_margin AS m (obligation_id, origin_id, rate_numerator, rate_denominator, quantity, value, margin, pooled)
    SELECT obligation, k.origin_id, k.rate_numerator, k.rate_denominator, coalesce(s.units, 0), linking_value(coalesce(s.units, 0), k.rate_numerator, k.rate_denominator),
        coalesce(s.units, 0) - linking_value(coalesce(s.units, 0), k.rate_numerator, k.rate_denominator), coalesce((
            SELECT sum(b.next_no - b.first_no) FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id
                JOIN registry_recognition r ON r.id = b.recognition_id JOIN accounts_account a ON a.id = b.to_account_id AND a.type_id = 'MRG'
            WHERE t.obligation_id = obligation AND t.state = 'COMPLETED' AND b.origin_id = k.origin_id
                AND (r.rate_numerator, r.rate_denominator) = (k.rate_numerator, k.rate_denominator)
                AND NOT EXISTS (SELECT FROM registry_transaction u WHERE u.reverses_id = t.id AND u.state = 'COMPLETED')), 0)
    FROM (SELECT origin_id, rate_numerator, rate_denominator FROM linking_surrendered(obligation, true)
            UNION SELECT m.origin_id, m.rate_numerator, m.rate_denominator FROM linking_margin m WHERE m.obligation_id = obligation) k
        LEFT JOIN (SELECT origin_id, rate_numerator, rate_denominator, sum(units)::bigint AS units FROM linking_surrendered(obligation, true) GROUP BY 1, 2, 3) s
            USING (origin_id, rate_numerator, rate_denominator)
    ORDER BY 2, 3, 4
    ON CONFLICT (obligation_id, origin_id, rate_numerator, rate_denominator) DO UPDATE
    SET quantity = excluded.quantity, value = excluded.value, margin = excluded.margin, pooled = excluded.pooled;
END $$;

-- Of what is surrendered at a discount under terms that pool the margin, the units that this surrender adds to it go to the margin
-- account and the others are retired, at least one; where the terms retire it, all are.
CREATE FUNCTION linking_pools_the_margin(given registry_transaction) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM (
            SELECT b.origin_id, r.rate_numerator AS n, r.rate_denominator AS d, sum(b.next_no - b.first_no) FILTER (WHERE g.terms ->> 'margin' = 'pooled') AS pooling,
                coalesce(sum(b.next_no - b.first_no) FILTER (WHERE g.terms ->> 'margin' <> 'pooled'), 0) AS retiring,
                coalesce(sum(b.next_no - b.first_no) FILTER (WHERE a.type_id = 'MRG'), 0) AS pooled,
                bool_or(a.type_id = 'MRG' AND g.terms ->> 'margin' <> 'pooled') AS wrong
            FROM registry_transactionblock b JOIN registry_recognition r ON r.id = b.recognition_id JOIN linking_agreement g ON g.id = r.agreement_id
                JOIN accounts_account a ON a.id = b.to_account_id
            WHERE b.transaction_id = given.id AND b.origin_id <> given.jurisdiction_id GROUP BY 1, 2, 3) w
        CROSS JOIN LATERAL (SELECT coalesce(sum(s.units), 0) + w.retiring AS units FROM linking_surrendered(given.obligation_id, false, given.id) s
            WHERE (s.origin_id, s.rate_numerator, s.rate_denominator) = (w.origin_id, w.n, w.d)) before
        WHERE w.wrong OR w.pooled <> coalesce(greatest(0, least(w.pooling - 1, w.pooling
            - (div((before.units + w.pooling) * w.n, w.d) - div(before.units * w.n, w.d)))), 0)) THEN
        RAISE EXCEPTION 'the margin of transaction % does not go where the terms say', given.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'margin_goes_where_the_terms_say';
    END IF;
END $$;

-- What happens to units abroad: bound by the end of their corridor; surrendered within the operator's quotas, with their margin; a
-- reversed surrender counts no more.
CREATE FUNCTION linking_foreign_units_act(given registry_transaction, kind registry_transactiontype) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    obligation bigint := given.obligation_id;
BEGIN
    IF EXISTS (SELECT FROM registry_transactionblock b JOIN registry_recognition r ON r.id = b.recognition_id
            LEFT JOIN linking_agreement g ON g.id = r.agreement_id LEFT JOIN linking_corridor c ON c.id = g.corridor_id
            WHERE b.transaction_id = given.id AND (b.origin_id <> given.jurisdiction_id)
                AND (c.origin_id, c.destination_id) IS DISTINCT FROM (b.origin_id, given.jurisdiction_id)) THEN
        RAISE EXCEPTION 'units abroad count as their corridor says' USING ERRCODE = 'check_violation', CONSTRAINT = 'recognition_is_what_the_terms_say';
    ELSIF kind.effect <> 'restore' AND kind.approval <> 'administrator' AND EXISTS (SELECT FROM registry_transactionblock b
            JOIN registry_recognition r ON r.id = b.recognition_id
            WHERE b.transaction_id = given.id AND linking_bound(r.agreement_id, 'within', given.proposed_at) IS NOT NULL) THEN
        RAISE EXCEPTION 'units abroad are bound by the end of their corridor' USING ERRCODE = 'check_violation', CONSTRAINT = 'units_abroad_are_free';
    END IF;
    IF obligation IS NOT NULL THEN
        PERFORM linking_pools_the_margin(given);
    ELSE
        SELECT t.obligation_id INTO obligation FROM registry_transaction t WHERE t.id = given.reverses_id;
    END IF;
    IF obligation IS NOT NULL THEN
        PERFORM linking_count_uses(obligation);
        PERFORM linking_book_margin(obligation);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION registry_linked_transaction(wanted uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given registry_transaction;
    kind registry_transactiontype;
BEGIN
    SELECT * INTO given FROM registry_transaction WHERE id = wanted;
    SELECT * INTO kind FROM registry_transactiontype WHERE code = given.type_id;
    -- Suspending locks the row that transfers share.
    PERFORM FROM linking_corridor WHERE id IN (SELECT l.corridor_id FROM linking_legs(wanted) l) ORDER BY id FOR SHARE;
    IF kind.effect = 'cross' THEN
        PERFORM linking_ranges_cross(given);
        IF given.type_id = '3-55' THEN
            PERFORM linking_gives_back_what_was_stolen(given);
        END IF;
        PERFORM linking_goes_home(given);
        PERFORM linking_leaves_by_its_issuers_leave(given.id);
        PERFORM linking_enters(given);
        IF given.state = 'COMPLETED' THEN
            PERFORM linking_stops_what_arrives(given.id);
        END IF;
    ELSIF EXISTS (SELECT FROM registry_transactionblock b JOIN accounts_account a ON a.id = b.to_account_id
            WHERE b.transaction_id = wanted AND a.jurisdiction_id <> given.jurisdiction_id) THEN
        RAISE EXCEPTION 'only an external transfer crosses a link' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF EXISTS (SELECT FROM registry_transactionblock b WHERE b.transaction_id = wanted AND b.origin_id <> given.jurisdiction_id) THEN
        PERFORM linking_foreign_units_act(given, kind);
    END IF;
END $$;

-- Until when what waits can settle: what enters until the last settlement of the terms that it was proposed under, units abroad until the
-- policy of theirs binds them; null: without end. What is by order is not bound here.
CREATE FUNCTION linking_settles_until(given registry_transaction) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT min(w.until) FROM registry_transactiontype k, LATERAL (
        SELECT g.last_settlement_at AS until FROM linking_legs(given.id) l JOIN linking_agreement g ON g.id = l.agreement_id
        WHERE l.way = 'entry' AND k.effect = 'cross'
        UNION ALL SELECT linking_binds_from(r.agreement_id, CASE k.effect WHEN 'cross' THEN 'home' ELSE 'within' END, given.proposed_at)
        FROM (SELECT DISTINCT b.recognition_id FROM registry_transactionblock b WHERE b.transaction_id = given.id) b
            JOIN registry_recognition r ON r.id = b.recognition_id
        WHERE k.effect = 'cross' OR k.effect <> 'restore' AND k.approval <> 'administrator') w
    WHERE k.code = given.type_id
$$;

CREATE OR REPLACE FUNCTION registry_terms_have_ended(given registry_transaction, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(at >= linking_settles_until(given), false)
$$;

-- A transaction that waited ends: what it reserved is used, or released. It completes under the version it was proposed under, until
-- that version's last settlement, and through a corridor that is open.
CREATE OR REPLACE FUNCTION registry_linked_transaction_ends(given registry_transaction) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    leg record;
    shut text;
    part record;
    obligation bigint;
BEGIN
    PERFORM FROM linking_corridor WHERE id IN (SELECT l.corridor_id FROM linking_legs(given.id) l) ORDER BY id FOR SHARE;
    IF given.state = 'COMPLETED' THEN
        FOR leg IN SELECT l.way, l.corridor_id, l.unit_type, l.agreement_id, g.last_settlement_at, g.terms FROM linking_legs(given.id) l
                JOIN linking_agreement g ON g.id = l.agreement_id LOOP
            shut := CASE WHEN leg.way = 'home' THEN CASE WHEN linking_bound(leg.agreement_id, 'home', given.completed_at, given.proposed_at) IS NOT NULL THEN 'units_abroad_are_free' END
                WHEN given.completed_at >= leg.last_settlement_at THEN 'terms_are_current'
                WHEN jsonb_typeof(leg.terms -> 'settlement_days') = 'array' AND NOT leg.terms -> 'settlement_days' ?
                    (SELECT (given.completed_at AT TIME ZONE d.time_zone)::date::text FROM linking_corridor c
                        JOIN accounts_jurisdiction d ON d.id = c.destination_id WHERE c.id = leg.corridor_id) THEN 'settlement_day_is_agreed'
                ELSE linking_shut(leg.corridor_id, leg.unit_type, given.completed_at) END;
            IF shut IS NOT NULL THEN
                RAISE EXCEPTION 'transaction % cannot complete: %', given.id, shut USING ERRCODE = 'check_violation', CONSTRAINT = shut;
            END IF;
        END LOOP;
        -- What goes on abroad is bound by an end that came while it waited; what is by order, or undoes, is not.
        IF EXISTS (SELECT FROM registry_transactiontype k, registry_transactionblock b JOIN registry_recognition r ON r.id = b.recognition_id
                WHERE k.code = given.type_id AND k.effect NOT IN ('cross', 'restore') AND k.approval <> 'administrator'
                    AND b.transaction_id = given.id AND linking_bound(r.agreement_id, 'within', given.completed_at) IS NOT NULL) THEN
            RAISE EXCEPTION 'units abroad are bound by the end of their corridor' USING ERRCODE = 'check_violation', CONSTRAINT = 'units_abroad_are_free';
        END IF;
    END IF;
    IF given.state = 'COMPLETED' THEN
        PERFORM linking_leaves_by_its_issuers_leave(given.id);
        PERFORM linking_stops_what_arrives(given.id);
    END IF;
    FOR part IN SELECT quota_id, way, sum(units)::bigint AS units FROM linking_quotause u WHERE u.transaction_id = given.id GROUP BY 1, 2 ORDER BY 1, 2 LOOP
        UPDATE linking_quota SET
            reserved = reserved - CASE part.way WHEN 'take' THEN part.units ELSE 0 END,
            used = CASE WHEN given.state <> 'COMPLETED' THEN used WHEN part.way = 'take' THEN used + part.units ELSE greatest(0, used - part.units) END
        WHERE id = part.quota_id;
    END LOOP;
    obligation := coalesce(given.obligation_id, (SELECT t.obligation_id FROM registry_transaction t WHERE t.id = given.reverses_id));
    IF obligation IS NOT NULL THEN
        PERFORM linking_count_uses(obligation);
        PERFORM linking_book_margin(obligation);
    END IF;
END $$;
