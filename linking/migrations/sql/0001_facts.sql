-- The facts about what crosses a link, in one round trip, after registry_facts has locked the accounts: {"now", "own": the transaction that
-- waits, "obligation", "home": jurisdiction, "pieces": [[origin, from, to jurisdiction, vintage, recognition, from holder, to holder]]}.
-- With `lock_rows` the corridors are locked shared and the quotas to be changed, made where they are the first; else it only looks.
CREATE FUNCTION linking_facts(request jsonb, lock_rows boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    at timestamptz := (request ->> 'now')::timestamptz;
    own uuid := (request ->> 'own')::uuid;
    began timestamptz := (SELECT t.proposed_at FROM registry_transaction t WHERE t.id = (request ->> 'own')::uuid);
    pieces jsonb := request -> 'pieces';
    came_by bigint[];
    entries bigint[];
    way record;
    corridors jsonb := '{}';
    quotas bigint[] := '{}';
    after_entry jsonb := '[]';
    result jsonb;
    found jsonb;
BEGIN
    entries := ARRAY(SELECT DISTINCT c.id FROM jsonb_array_elements(pieces) p JOIN linking_corridor c
        ON (c.origin_id, c.destination_id) = ((p ->> 0)::bigint, (p ->> 2)::bigint) WHERE p -> 1 <> p -> 2 ORDER BY 1);
    came_by := ARRAY(SELECT DISTINCT g.corridor_id FROM jsonb_array_elements(pieces) p JOIN registry_recognition r ON r.id = (p ->> 4)::integer
        JOIN linking_agreement g ON g.id = r.agreement_id ORDER BY 1);
    IF lock_rows THEN
        PERFORM FROM linking_corridor WHERE id = ANY (entries || came_by) ORDER BY id FOR SHARE;
    END IF;
    FOR way IN SELECT c.*, l.degree, l.open_corridor_id, g.id AS agreement_id, g.version, g.effective_from, g.superseded_at, g.last_settlement_at,
            g.terms, linking_window(c.id, g.terms, at) AS year, linking_year(c.id, at) AS net_year, o.code AS origin, d.code AS destination, d.time_zone
            FROM linking_corridor c JOIN linking_link l ON l.id = c.link_id JOIN accounts_jurisdiction o ON o.id = c.origin_id
                JOIN accounts_jurisdiction d ON d.id = c.destination_id
                LEFT JOIN LATERAL (SELECT a.* FROM linking_agreement a WHERE a.corridor_id = c.id AND CASE WHEN own IS NULL
                    THEN a.effective_from <= at AND coalesce(at < a.superseded_at, true)
                    ELSE a.id IN (SELECT x.agreement_id FROM linking_legs(own) x WHERE x.way = 'entry') END LIMIT 1) g ON true
            WHERE c.id = ANY (entries) ORDER BY c.id LOOP
        corridors := corridors || jsonb_build_object(way.origin_id || '-' || way.destination_id, to_jsonb(way) || jsonb_build_object(
            'mechanisms', (SELECT jsonb_agg(u.code) FROM linking_mechanismunit m JOIN registry_unittype u ON u.id = m.unit_type_id
                WHERE m.link_id = way.link_id AND u.jurisdiction_id = way.origin_id),
            'leave', (SELECT jsonb_build_object('limit', v."limit") FROM linking_leave v WHERE v.corridor_id = way.id AND v.valid_from <= at
                AND coalesce(at < v.valid_to, true)),
            'reserve_held', linking_reserve_left(way.id),
            'imbalance', linking_imbalance(way.id, way.net_year)));
        CONTINUE WHEN NOT lock_rows OR way.agreement_id IS NULL OR own IS NOT NULL;
        IF linking_added(way.terms, 1000000, true) > 0 THEN
            -- All corridors into a registry are covered by the same units.
            quotas := quotas || ARRAY(SELECT linking_quota_of('reserve', c.id, 0::smallint) FROM linking_corridor c
                WHERE c.destination_id = way.destination_id ORDER BY c.id);
        END IF;
        quotas := quotas || linking_quota_of('entry', way.id, way.year) || linking_quota_of('leave', way.id, way.net_year)
            || ARRAY(SELECT linking_quota_of('net-flow', c.id, way.net_year) FROM linking_corridor c WHERE c.link_id = way.link_id)
            || ARRAY(SELECT linking_quota_of('vintage', way.id, way.year, v.vintage) FROM (SELECT DISTINCT (p ->> 3)::smallint AS vintage
                FROM jsonb_array_elements(pieces) p WHERE ((p ->> 0)::bigint, (p ->> 2)::bigint) = (way.origin_id, way.destination_id)
                    AND way.terms -> 'vintage_limits' ? (p ->> 3)) v)
            || ARRAY(SELECT linking_quota_of('holder', way.id, way.year, NULL, h.holder) FROM (SELECT DISTINCT (p ->> 6)::bigint AS holder
                FROM jsonb_array_elements(pieces) p WHERE ((p ->> 0)::bigint, (p ->> 2)::bigint) = (way.origin_id, way.destination_id)
                    AND way.terms ->> 'holder_limit' IS NOT NULL) h);
    END LOOP;
    IF NOT lock_rows THEN
        quotas := ARRAY(SELECT q.id FROM linking_quota q WHERE q.corridor_id IN (SELECT c.id FROM linking_corridor c JOIN linking_corridor e ON e.link_id = c.link_id
            WHERE e.id = ANY (entries)));
    ELSE
        -- Going home changes what was used on the way in.
        quotas := quotas || ARRAY(SELECT q.id FROM linking_quota q WHERE q.corridor_id = ANY (came_by) AND (q.kind <> 'holder' OR q.holder_id IN (
            SELECT (p ->> 5)::bigint FROM jsonb_array_elements(pieces) p)) AND EXISTS (SELECT FROM jsonb_array_elements(pieces) p WHERE p -> 1 <> p -> 2));
        PERFORM FROM linking_quota WHERE id = ANY (quotas) ORDER BY id FOR NO KEY UPDATE;
        -- Read anew, since a quota may have been waited for.
        corridors := (SELECT coalesce(jsonb_object_agg(key, value || jsonb_build_object('reserve_held', linking_reserve_left((value ->> 'id')::bigint),
            'imbalance', linking_imbalance((value ->> 'id')::bigint, (value ->> 'net_year')::smallint))), '{}') FROM jsonb_each(corridors));
        IF own IS NULL THEN
            SELECT coalesce(jsonb_agg(jsonb_build_array(w.origin, w.acquirer, w.recognition, CASE WHEN w.origin = w.acquirer
                    THEN linking_recognised(w.recognition, NULL, NULL)
                    WHEN corridors #>> ARRAY[w.origin || '-' || w.acquirer, 'agreement_id'] IS NOT NULL THEN linking_recognised(w.recognition,
                        (corridors #>> ARRAY[w.origin || '-' || w.acquirer, 'agreement_id'])::bigint,
                        linking_quota_of('entry', (corridors #>> ARRAY[w.origin || '-' || w.acquirer, 'id'])::bigint,
                            (corridors #>> ARRAY[w.origin || '-' || w.acquirer, 'year'])::smallint)) END)), '[]')
            INTO after_entry FROM (SELECT DISTINCT (p ->> 0)::bigint AS origin, (p ->> 2)::bigint AS acquirer, (p ->> 4)::integer AS recognition
                FROM jsonb_array_elements(pieces) p WHERE p -> 1 <> p -> 2) w;
        ELSE
            -- Pinned when it was proposed.
            SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_array(b.origin_id, a.jurisdiction_id, b.recognition_id, b.to_recognition_id)), '[]')
            INTO after_entry FROM registry_transactionblock b JOIN accounts_account a ON a.id = b.to_account_id
            WHERE b.transaction_id = own AND b.to_recognition_id IS NOT NULL;
        END IF;
    END IF;
    result := jsonb_build_object('corridors', corridors, 'after', after_entry,
        'quotas', (SELECT coalesce(jsonb_agg(to_jsonb(q) || jsonb_build_object('opposite', CASE q.kind WHEN 'net-flow' THEN q.used + q.reserved
                - linking_imbalance(q.corridor_id, q.year) END) ORDER BY q.id), '[]') FROM linking_quota q WHERE q.id = ANY (quotas)),
        'recognitions', (SELECT coalesce(jsonb_object_agg(r.id, jsonb_build_object('numerator', r.rate_numerator, 'denominator', r.rate_denominator,
                'agreement', r.agreement_id, 'corridor', g.corridor_id, 'origin', c.origin_id, 'destination', c.destination_id,
                'margin', g.terms ->> 'margin', 'home', linking_bound(r.agreement_id, 'home', at, began), 'within', linking_bound(r.agreement_id, 'within', at, began))), '{}')
            FROM registry_recognition r LEFT JOIN linking_agreement g ON g.id = r.agreement_id LEFT JOIN linking_corridor c ON c.id = g.corridor_id
            WHERE r.id IN (SELECT (p ->> 4)::integer FROM jsonb_array_elements(pieces) p)));
    IF request ->> 'obligation' IS NOT NULL THEN
        IF lock_rows THEN
            PERFORM FROM linking_quota WHERE kind = 'use' AND obligation_id = (request ->> 'obligation')::bigint ORDER BY id FOR NO KEY UPDATE;
        END IF;
        SELECT jsonb_build_object('surrendered', (SELECT coalesce(jsonb_agg(jsonb_build_array(s.origin_id, j.code, s.unit_type, s.rate_numerator, s.rate_denominator, s.units)), '[]')
                FROM linking_surrendered((request ->> 'obligation')::bigint, false, own) s JOIN accounts_jurisdiction j ON j.id = s.origin_id),
            'nodes', (SELECT coalesce(jsonb_agg(jsonb_build_array(n.name, n.node, linking_use_base((request ->> 'obligation')::bigint, n.node)) ORDER BY n.name), '[]')
                FROM linking_use_nodes((request ->> 'obligation')::bigint,
                    ARRAY(SELECT DISTINCT (p ->> 4)::integer FROM jsonb_array_elements(pieces) p)) n),
            'margin_account', (SELECT jsonb_build_array(a.id, a.identifier) FROM accounts_account a WHERE a.type_id = 'MRG' AND a.status = 'OPEN'
                AND a.jurisdiction_id = (request ->> 'home')::bigint ORDER BY a.id LIMIT 1))
        INTO found;
        result := result || found;
    END IF;
    RETURN result;
END $$;

-- The application reads all of it, proposes, signs, suspends and ticks; the rest follows.
GRANT SELECT ON linking_link, linking_corridor, linking_instrument, linking_signature, linking_agreement, linking_leave, linking_suspension,
    linking_degreecondition, linking_condition, linking_degreechange, linking_mechanismunit, linking_delinking, linking_quota, linking_quotause,
    linking_margin TO registry_application, registry_auditor;
GRANT INSERT ON linking_link, linking_instrument, linking_signature, linking_suspension, linking_condition TO registry_application;
GRANT UPDATE (withdrawn_at, withdrawn_by_id) ON linking_instrument TO registry_application;
DO $$
DECLARE
    name regprocedure;
BEGIN
    FOR name IN SELECT oid::regprocedure FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'linking\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION linking_facts(jsonb, boolean) TO registry_application;
