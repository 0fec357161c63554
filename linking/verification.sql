-- What `manage.py verify_ledger` asks about links, in this order: each query finds what breaks one equation, and nothing when it holds.
-- Nothing that a trigger keeps is believed, and no function of the link is called: all is derived anew from recorded ranges, states
-- and signed documents. The text of a difference is `ledger.<equation>`, filled from the columns.

-- equation: link-document
-- A digest is that of the document, and what is read of the document is what it says.
SELECT i.id AS instrument, i.kind FROM linking_instrument i
WHERE CASE WHEN i.digest = encode(sha256(convert_to(i.document, 'UTF8')), 'hex') THEN i.content <> i.document::jsonb ELSE true END ORDER BY 1;

-- equation: link-signed
-- What is concluded was signed by two persons of each side that must, none of whom signed for the other side.
SELECT i.id AS instrument, i.kind, j.code AS side, coalesce(s.persons, 0) AS found
FROM linking_instrument i JOIN linking_link l ON l.id = i.link_id
    JOIN accounts_jurisdiction j ON j.id IN (l.first_id, l.second_id) AND j.id = coalesce(i.side_id, j.id)
    LEFT JOIN (SELECT s.instrument_id, s.jurisdiction_id, count(DISTINCT s.user_id) AS persons FROM linking_signature s
            JOIN linking_instrument i ON i.id = s.instrument_id
        WHERE NOT EXISTS (SELECT FROM linking_signature o JOIN linking_instrument k ON k.id = o.instrument_id
            WHERE o.user_id = s.user_id AND k.link_id = i.link_id AND o.jurisdiction_id <> s.jurisdiction_id)
        GROUP BY 1, 2) s ON s.instrument_id = i.id AND s.jurisdiction_id = j.id
WHERE i.concluded_at IS NOT NULL AND coalesce(s.persons, 0) < 2 ORDER BY 1, 3;

-- equation: link-agreement
-- Terms are those of the concluded document, from no earlier than their conclusion; every document of terms that was concluded is there.
SELECT coalesce(g.corridor_id, i.corridor_id) AS corridor, coalesce(g.version, 0) AS version, i.id AS instrument
FROM linking_agreement g FULL JOIN (SELECT * FROM linking_instrument WHERE kind = 'terms' AND concluded_at IS NOT NULL) i ON i.id = g.instrument_id
WHERE (g.terms, g.digest, g.corridor_id, g.version) IS DISTINCT FROM (i.content, i.digest, i.corridor_id, (i.content ->> 'version')::integer)
    OR g.effective_from < i.concluded_at ORDER BY 1, 2;

-- equation: link-degree
-- A degree is where the last signed step led, and each step began where the one before ended.
SELECT f.code AS first, s.code AS second, l.degree AS found, coalesce(d.to_degree, 'none') AS expected
FROM linking_link l JOIN accounts_jurisdiction f ON f.id = l.first_id JOIN accounts_jurisdiction s ON s.id = l.second_id
    LEFT JOIN LATERAL (SELECT c.to_degree FROM linking_degreechange c WHERE c.link_id = l.id ORDER BY c.id DESC LIMIT 1) d ON true
WHERE l.degree <> coalesce(d.to_degree, 'none')
UNION ALL
SELECT f.code, s.code, c.from_degree || ' - ' || c.to_degree, c.before || ' - ' || coalesce(i.content ->> 'to', '?')
FROM (SELECT c.*, coalesce(lag(c.to_degree) OVER (PARTITION BY c.link_id ORDER BY c.id), 'none') AS before FROM linking_degreechange c) c
    JOIN linking_link l ON l.id = c.link_id JOIN accounts_jurisdiction f ON f.id = l.first_id JOIN accounts_jurisdiction s ON s.id = l.second_id
    LEFT JOIN linking_instrument i ON i.id = c.instrument_id AND i.link_id = c.link_id AND i.kind IN ('raise', 'lower') AND i.concluded_at IS NOT NULL
WHERE (c.from_degree, c.to_degree) IS DISTINCT FROM (c.before, i.content ->> 'to') ORDER BY 1, 2, 3;

-- equation: link-suspended
-- A corridor is suspended while a suspension by that side stands, and no longer.
SELECT o.code AS origin, d.code AS destination, j.code AS side
FROM linking_corridor c JOIN accounts_jurisdiction o ON o.id = c.origin_id JOIN accounts_jurisdiction d ON d.id = c.destination_id
    CROSS JOIN LATERAL (VALUES (c.origin_id, c.suspended_by_origin), (c.destination_id, c.suspended_by_destination)) AS w (side_id, suspended)
    JOIN accounts_jurisdiction j ON j.id = w.side_id
WHERE w.suspended <> EXISTS (SELECT FROM linking_suspension s WHERE s.corridor_id = c.id AND s.side_id = w.side_id AND s.resumed_at IS NULL)
ORDER BY 1, 2, 3;

-- equation: link-crossing
-- What crossed counts as the terms say that were in force when it was proposed, with the origin's leave; at home it counts as itself.
SELECT b.transaction_id AS transaction, o.code AS origin, d.code AS destination
FROM registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id
    JOIN accounts_account f ON f.id = b.from_account_id JOIN accounts_account a ON a.id = b.to_account_id AND a.jurisdiction_id <> f.jurisdiction_id
    JOIN accounts_jurisdiction o ON o.id = b.origin_id JOIN accounts_jurisdiction d ON d.id = a.jurisdiction_id
    LEFT JOIN registry_recognition r ON r.id = b.to_recognition_id
    LEFT JOIN linking_corridor c ON (c.origin_id, c.destination_id) = (b.origin_id, a.jurisdiction_id)
    LEFT JOIN linking_agreement g ON g.corridor_id = c.id AND g.effective_from <= t.proposed_at AND coalesce(t.proposed_at < g.superseded_at, true)
    LEFT JOIN linking_leave v ON v.corridor_id = c.id AND v.valid_from <= t.proposed_at AND coalesce(t.proposed_at < v.valid_to, true)
WHERE t.type_id NOT IN ('3-0', '3-55') OR CASE WHEN a.jurisdiction_id = b.origin_id
    THEN (r.agreement_id, r.rate_numerator, r.rate_denominator) IS DISTINCT FROM (NULL::bigint, 1::bigint, 1::bigint)
    ELSE v.id IS NULL OR (r.agreement_id, r.rate_numerator, r.rate_denominator)
        IS DISTINCT FROM (g.id, (g.terms #>> '{rate,numerator}')::bigint, (g.terms #>> '{rate,denominator}')::bigint) END
GROUP BY 1, 2, 3 ORDER BY 1;

-- equation: link-recognition
-- Units abroad count by an agreement of the corridor from their issuer to where they are, and by its entry quota; units at home by none.
SELECT o.registry_code AS registry, b.start_no AS serial, h.code AS host
FROM registry_unitblock b JOIN accounts_account a ON a.id = b.account_id
    JOIN accounts_jurisdiction o ON o.id = b.origin_id JOIN accounts_jurisdiction h ON h.id = a.jurisdiction_id
    JOIN registry_recognition r ON r.id = b.recognition_id
    LEFT JOIN linking_agreement g ON g.id = r.agreement_id LEFT JOIN linking_corridor c ON c.id = g.corridor_id
    LEFT JOIN linking_quota q ON q.id = r.quota_id
WHERE CASE WHEN a.jurisdiction_id = b.origin_id
    THEN (r.agreement_id, r.rate_numerator, r.rate_denominator) IS DISTINCT FROM (NULL::bigint, 1::bigint, 1::bigint)
    ELSE (c.origin_id, c.destination_id, q.kind, q.corridor_id, r.rate_numerator, r.rate_denominator) IS DISTINCT FROM (b.origin_id,
        a.jurisdiction_id, 'entry', c.id, (g.terms #>> '{rate,numerator}')::bigint, (g.terms #>> '{rate,denominator}')::bigint) END
ORDER BY 1, 2;

-- equation: link-abroad
-- By every corridor, agreement and entry quota: what entered less what went back or on is what is there, held, retired or pooled.
WITH moved AS (
    SELECT w.origin_id, w.host_id, r.agreement_id, r.quota_id, sum(w.units) AS units
    FROM registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id AND t.state = 'COMPLETED'
        JOIN accounts_account f ON f.id = b.from_account_id JOIN accounts_account a ON a.id = b.to_account_id AND a.jurisdiction_id <> f.jurisdiction_id
        CROSS JOIN LATERAL (VALUES (b.origin_id, a.jurisdiction_id, b.to_recognition_id, b.next_no - b.first_no),
            (b.origin_id, f.jurisdiction_id, b.recognition_id, b.first_no - b.next_no)) AS w (origin_id, host_id, recognition_id, units)
        LEFT JOIN registry_recognition r ON r.id = w.recognition_id
    WHERE w.origin_id <> w.host_id GROUP BY 1, 2, 3, 4),
there AS (
    SELECT b.origin_id, a.jurisdiction_id AS host_id, r.agreement_id, r.quota_id,
        sum(b.end_no - b.start_no) FILTER (WHERE NOT k.retires AND k.code <> 'MRG') AS held,
        sum(b.end_no - b.start_no) FILTER (WHERE k.retires) AS retired, sum(b.end_no - b.start_no) FILTER (WHERE k.code = 'MRG') AS pooled
    FROM registry_unitblock b JOIN accounts_account a ON a.id = b.account_id AND a.jurisdiction_id <> b.origin_id
        JOIN accounts_accounttype k ON k.code = a.type_id JOIN registry_recognition r ON r.id = b.recognition_id
    GROUP BY 1, 2, 3, 4)
SELECT o.code AS origin, h.code AS destination, coalesce(g.version, 0) AS version, coalesce(m.units, 0) AS entered, coalesce(w.held, 0) AS held,
    coalesce(w.retired, 0) AS retired, coalesce(w.pooled, 0) AS pooled
FROM moved m FULL JOIN there w ON (w.origin_id, w.host_id, coalesce(w.agreement_id, 0), coalesce(w.quota_id, 0))
        = (m.origin_id, m.host_id, coalesce(m.agreement_id, 0), coalesce(m.quota_id, 0))
    JOIN accounts_jurisdiction o ON o.id = coalesce(m.origin_id, w.origin_id) JOIN accounts_jurisdiction h ON h.id = coalesce(m.host_id, w.host_id)
    LEFT JOIN linking_agreement g ON g.id = coalesce(m.agreement_id, w.agreement_id)
WHERE coalesce(m.units, 0) <> coalesce(w.held, 0) + coalesce(w.retired, 0) + coalesce(w.pooled, 0) ORDER BY 1, 2, 3;

-- equation: link-issued
-- Invariant I1, by issuer and series: issued = home + abroad + retired at home + retired abroad. What is pooled is abroad.
SELECT o.code AS issuer, u.code AS unit_type, s.vintage, coalesce(i.units, 0) AS issued, coalesce(w.home, 0) AS home, coalesce(w.abroad, 0) AS abroad,
    coalesce(w.retired_home, 0) AS retired_home, coalesce(w.retired_abroad, 0) AS retired_abroad
FROM registry_series s JOIN registry_unittype u ON u.id = s.unit_type_id JOIN accounts_jurisdiction o ON o.id = s.origin_id
    LEFT JOIN (SELECT series_id, sum(next_no - first_no) AS units FROM registry_issue GROUP BY 1) i ON i.series_id = s.id
    LEFT JOIN (SELECT b.series_id, sum(b.end_no - b.start_no) FILTER (WHERE a.jurisdiction_id = b.origin_id AND NOT k.retires) AS home,
            sum(b.end_no - b.start_no) FILTER (WHERE a.jurisdiction_id <> b.origin_id AND NOT k.retires) AS abroad,
            sum(b.end_no - b.start_no) FILTER (WHERE a.jurisdiction_id = b.origin_id AND k.retires) AS retired_home,
            sum(b.end_no - b.start_no) FILTER (WHERE a.jurisdiction_id <> b.origin_id AND k.retires) AS retired_abroad
        FROM registry_unitblock b JOIN accounts_account a ON a.id = b.account_id JOIN accounts_accounttype k ON k.code = a.type_id
        GROUP BY 1) w ON w.series_id = s.id
WHERE coalesce(i.units, 0) <> coalesce(w.home, 0) + coalesce(w.abroad, 0) + coalesce(w.retired_home, 0) + coalesce(w.retired_abroad, 0)
ORDER BY 1, 2, 3;

-- equation: link-quota-use
-- What each transaction takes from quotas and gives back, from its ranges and the terms they came by. A holder gives back what counts
-- for it only where it had brought something in before.
WITH leg AS (
    SELECT b.transaction_id, w.way, w.agreement_id, q.corridor_id, q.year AS given_year, t.proposed_at, s.unit_type_id, s.vintage, w.holder_id, w.type_id,
        sum(b.next_no - b.first_no) AS units
    FROM registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id
        JOIN accounts_account f ON f.id = b.from_account_id JOIN accounts_account a ON a.id = b.to_account_id AND a.jurisdiction_id <> f.jurisdiction_id
        JOIN registry_series s ON s.id = b.series_id
        JOIN registry_recognition before ON before.id = b.recognition_id JOIN registry_recognition after ON after.id = b.to_recognition_id
        CROSS JOIN LATERAL (VALUES ('take', after.agreement_id, after.quota_id, a.holder_id, a.type_id),
            ('back', before.agreement_id, before.quota_id, f.holder_id, f.type_id)) AS w (way, agreement_id, quota_id, holder_id, type_id)
        JOIN linking_quota q ON q.id = w.quota_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
termed AS (
    SELECT l.*, g.terms, extract(year FROM l.proposed_at AT TIME ZONE d.time_zone)::integer AS today,
        (g.terms #>> '{rate,numerator}')::numeric AS n, (g.terms #>> '{rate,denominator}')::numeric AS d,
        g.terms #>> '{entry_quota,measure}' IS NOT DISTINCT FROM 'recognised' AS is_recognised
    FROM leg l JOIN linking_agreement g ON g.id = l.agreement_id JOIN linking_corridor c ON c.id = l.corridor_id
        JOIN accounts_jurisdiction d ON d.id = c.destination_id),
dated AS (
    SELECT t.*, CASE WHEN way = 'back' THEN given_year WHEN terms #>> '{entry_quota,window}' = 'life' THEN 0 ELSE today END AS year,
        CASE WHEN way = 'back' AND given_year <> 0 THEN given_year ELSE today END AS net_year FROM termed t),
expected AS (
    SELECT transaction_id, way, k.kind, corridor_id, k.year, k.vintage, k.holder_id, sum(k.units)::bigint AS units
    FROM dated CROSS JOIN LATERAL (VALUES
        ('entry', year, 0, 0, CASE WHEN NOT is_recognised THEN units WHEN way = 'take' THEN div(units * n + d - 1, d) ELSE div(units * n, d) END),
        ('leave', net_year, 0, 0, units), ('net-flow', net_year, 0, 0, units),
        ('reserve', 0, 0, 0, CASE WHEN n > d THEN CASE way WHEN 'take' THEN div(units * n + d - 1, d) ELSE div(units * n, d) END - units END),
        ('vintage', year, vintage, 0, CASE WHEN terms -> 'vintage_limits' ? vintage::text THEN units END),
        ('holder', year, 0, holder_id, CASE WHEN terms ->> 'holder_limit' IS NOT NULL THEN units END))
        AS k (kind, year, vintage, holder_id, units)
    WHERE k.units > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7),
found AS (
    SELECT u.transaction_id, u.way, q.kind, q.corridor_id, q.year, coalesce(q.vintage, 0) AS vintage, coalesce(q.holder_id, 0) AS holder_id, sum(u.units)::bigint AS units
    FROM linking_quotause u JOIN linking_quota q ON q.id = u.quota_id GROUP BY 1, 2, 3, 4, 5, 6, 7),
brought AS (
    SELECT q.corridor_id, q.year, q.holder_id, min(u.id) AS first_id FROM linking_quotause u JOIN linking_quota q ON q.id = u.quota_id
    WHERE q.kind = 'holder' AND u.way = 'take' GROUP BY 1, 2, 3),
own AS (SELECT transaction_id, min(id) AS first_id FROM linking_quotause GROUP BY 1)
SELECT transaction_id AS transaction, kind AS quota, way, coalesce(f.units, 0) AS found, coalesce(e.units, 0) AS expected
FROM expected e FULL JOIN found f USING (transaction_id, way, kind, corridor_id, year, vintage, holder_id)
    LEFT JOIN brought b USING (corridor_id, year, holder_id) LEFT JOIN own o USING (transaction_id)
WHERE coalesce(f.units, 0) <> coalesce(e.units, 0)
    AND NOT (kind = 'holder' AND way = 'back' AND f.units IS NULL AND coalesce(b.first_id >= o.first_id, true)) ORDER BY 1, 2, 3;

-- equation: link-quota
-- Reserved is what waits takes; used is what completed took less what it gave back. A return may give back to a holder, or to a year of a
-- net flow, more than was used there: then it is none, so these are summed one after the other, in the order of the log.
WITH moved AS (
    SELECT u.quota_id, u.transaction_id, u.id, u.way, CASE u.way WHEN 'take' THEN u.units ELSE -u.units END AS units, t.state,
        q.kind IN ('holder', 'net-flow') AS in_turn
    FROM linking_quotause u JOIN registry_transaction t ON t.id = u.transaction_id JOIN linking_quota q ON q.id = u.quota_id),
turned AS (
    SELECT m.quota_id, m.units, sum(m.units) OVER (PARTITION BY m.quota_id ORDER BY (SELECT max(e.id) FROM audit_entry e
        WHERE e.subject = m.transaction_id::text AND e.event LIKE 'transaction.%' AND e.event NOT IN ('transaction.step-refused', 'transaction.batch'))
        NULLS FIRST, m.transaction_id, m.way, m.id) AS running
    FROM moved m WHERE m.state = 'COMPLETED' AND m.in_turn),
summed AS (
    SELECT quota_id, sum(units) - least(0, min(running)) AS units FROM turned GROUP BY 1
    UNION ALL
    SELECT quota_id, sum(units) FROM moved WHERE state = 'COMPLETED' AND NOT in_turn GROUP BY 1),
waiting AS (
    SELECT quota_id, sum(units) AS units FROM moved
    WHERE way = 'take' AND state NOT IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED') GROUP BY 1)
SELECT o.code AS origin, d.code AS destination, q.kind AS quota, q.year, q.used AS found, q.reserved AS found_reserved,
    coalesce(s.units, 0)::bigint AS expected, coalesce(w.units, 0)::bigint AS expected_reserved
FROM linking_quota q JOIN linking_corridor c ON c.id = q.corridor_id
    JOIN accounts_jurisdiction o ON o.id = c.origin_id JOIN accounts_jurisdiction d ON d.id = c.destination_id
    LEFT JOIN summed s ON s.quota_id = q.id LEFT JOIN waiting w ON w.quota_id = q.id
WHERE (q.used, q.reserved) <> (coalesce(s.units, 0), coalesce(w.units, 0)) ORDER BY 1, 2, 3, 4;

-- equation: link-use
-- What an operator surrendered under each node that limits it: rounded down once for each issuer and rate; reserved is what waits.
WITH surrendered AS (
    SELECT t.obligation_id, b.origin_id, s.unit_type_id, r.rate_numerator AS n, r.rate_denominator AS d, t.state = 'COMPLETED' AS completed,
        sum(b.next_no - b.first_no) AS units
    FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id AND b.origin_id <> t.jurisdiction_id
        JOIN registry_series s ON s.id = b.series_id JOIN registry_recognition r ON r.id = b.recognition_id
    WHERE t.obligation_id IS NOT NULL AND t.state NOT IN ('REJECTED', 'CANCELLED', 'TERMINATED')
        AND NOT EXISTS (SELECT FROM registry_transaction u WHERE u.reverses_id = t.id AND u.state = 'COMPLETED')
    GROUP BY 1, 2, 3, 4, 5, 6),
node AS (
    SELECT DISTINCT ON (t.obligation_id, o.code, n ->> 'name') t.obligation_id, o.code || ' ' || (n ->> 'name') AS name, n -> 'origins' AS origins,
        n -> 'unit_types' AS unit_types
    FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id AND b.origin_id <> t.jurisdiction_id
        JOIN registry_recognition r ON r.id = b.recognition_id JOIN linking_agreement g ON g.id = r.agreement_id
        JOIN linking_corridor c ON c.id = g.corridor_id JOIN accounts_jurisdiction o ON o.id = c.origin_id
        CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(g.terms -> 'use_quota') WHEN 'array' THEN g.terms -> 'use_quota' ELSE '[]' END) n
    WHERE t.obligation_id IS NOT NULL AND t.state NOT IN ('REJECTED', 'CANCELLED', 'TERMINATED')
    ORDER BY t.obligation_id, o.code, n ->> 'name', g.version DESC),
valued AS (
    SELECT obligation_id, name, sum(div(w.completed * w.n, w.d)) AS completed, sum(div(w.units * w.n, w.d)) AS units FROM (
        SELECT o.obligation_id, o.name, s.origin_id, s.n, s.d, coalesce(sum(s.units) FILTER (WHERE s.completed), 0) AS completed, sum(s.units) AS units
        FROM node o JOIN surrendered s ON s.obligation_id = o.obligation_id JOIN accounts_jurisdiction j ON j.id = s.origin_id
            JOIN registry_unittype u ON u.id = s.unit_type_id
        WHERE o.origins ? j.code AND (jsonb_array_length(o.unit_types) = 0 OR o.unit_types ? u.code) GROUP BY 1, 2, 3, 4, 5) w GROUP BY 1, 2)
SELECT obligation_id AS obligation, name AS node, coalesce(q.used, 0) AS found, coalesce(q.reserved, 0) AS found_reserved,
    coalesce(v.completed, 0)::bigint AS expected, coalesce(v.units - v.completed, 0)::bigint AS expected_reserved
FROM valued v FULL JOIN (SELECT obligation_id, node AS name, used, reserved FROM linking_quota WHERE kind = 'use') q USING (obligation_id, name)
WHERE (coalesce(q.used, 0), coalesce(q.reserved, 0)) <> (coalesce(v.completed, 0), coalesce(v.units - v.completed, 0)) ORDER BY 1, 2;

-- equation: link-margin
-- By obligation, issuer and rate, of what was surrendered and not reversed: quantity = value + margin, and what of it was pooled.
WITH expected AS (
    SELECT t.obligation_id, b.origin_id, r.rate_numerator, r.rate_denominator, sum(b.next_no - b.first_no) AS quantity,
        div(sum(b.next_no - b.first_no) * r.rate_numerator, r.rate_denominator) AS value,
        coalesce(sum(b.next_no - b.first_no) FILTER (WHERE a.type_id = 'MRG'), 0) AS pooled
    FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id AND b.origin_id <> t.jurisdiction_id
        JOIN registry_recognition r ON r.id = b.recognition_id JOIN accounts_account a ON a.id = b.to_account_id
    WHERE t.obligation_id IS NOT NULL AND t.state = 'COMPLETED'
        AND NOT EXISTS (SELECT FROM registry_transaction u WHERE u.reverses_id = t.id AND u.state = 'COMPLETED')
    GROUP BY 1, 2, 3, 4)
SELECT obligation_id AS obligation, o.code AS issuer, rate_numerator AS numerator, rate_denominator AS denominator,
    coalesce(m.quantity, 0) AS found, coalesce(e.quantity, 0)::bigint AS expected, coalesce(m.margin, 0) AS found_margin,
    coalesce(e.quantity - e.value, 0)::bigint AS expected_margin, coalesce(m.pooled, 0) AS found_pooled, coalesce(e.pooled, 0)::bigint AS expected_pooled
FROM linking_margin m FULL JOIN expected e USING (obligation_id, origin_id, rate_numerator, rate_denominator) JOIN accounts_jurisdiction o ON o.id = origin_id
WHERE (coalesce(m.quantity, 0), coalesce(m.value, 0), coalesce(m.margin, 0), coalesce(m.pooled, 0))
    <> (coalesce(e.quantity, 0), coalesce(e.value, 0), coalesce(e.quantity - e.value, 0), coalesce(e.pooled, 0)) ORDER BY 1, 2, 3, 4;

-- equation: link-pooled
-- What margins say is pooled lies in the margin accounts, but for what was moved from there by no surrender.
WITH said AS (
    SELECT o.jurisdiction_id AS host_id, m.origin_id, sum(m.pooled) AS units FROM linking_margin m JOIN registry_obligation o ON o.id = m.obligation_id GROUP BY 1, 2),
moved AS (
    SELECT t.jurisdiction_id AS host_id, b.origin_id, sum(CASE WHEN a.type_id = 'MRG' THEN b.next_no - b.first_no ELSE b.first_no - b.next_no END) AS units
    FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id AND b.origin_id <> t.jurisdiction_id
        JOIN accounts_account f ON f.id = b.from_account_id JOIN accounts_account a ON a.id = b.to_account_id AND (a.type_id = 'MRG') <> (f.type_id = 'MRG')
        LEFT JOIN registry_transaction u ON u.id = t.reverses_id
    WHERE t.state = 'COMPLETED' AND coalesce(t.obligation_id, u.obligation_id) IS NULL GROUP BY 1, 2),
there AS (
    SELECT a.jurisdiction_id AS host_id, b.origin_id, sum(b.end_no - b.start_no) AS units FROM registry_unitblock b
        JOIN accounts_account a ON a.id = b.account_id AND a.type_id = 'MRG' AND a.jurisdiction_id <> b.origin_id GROUP BY 1, 2)
SELECT o.code AS issuer, h.code AS host, coalesce(w.units, 0) AS found, (coalesce(s.units, 0) + coalesce(m.units, 0))::bigint AS expected
FROM said s FULL JOIN moved m USING (host_id, origin_id) FULL JOIN there w USING (host_id, origin_id)
    JOIN accounts_jurisdiction o ON o.id = origin_id JOIN accounts_jurisdiction h ON h.id = host_id
WHERE coalesce(w.units, 0) <> coalesce(s.units, 0) + coalesce(m.units, 0) ORDER BY 1, 2;
