-- What `manage.py verify_ledger` asks, in this order: each query finds what breaks one equation, and nothing when it holds.
-- The text of a difference is `ledger.<equation>`, filled from the columns.

-- equation: tiling
-- Blocks of a registry follow one another from serial 1 to the one open block.
SELECT registry, start_no AS serial, expected FROM (
    SELECT j.registry_code AS registry, b.start_no, b.end_no, b.origin_id,
        coalesce(lag(b.end_no) OVER w, CASE WHEN row_number() OVER w = 1 THEN 1 END) AS expected
    FROM registry_unitblock b JOIN accounts_jurisdiction j ON j.id = b.origin_id
    WINDOW w AS (PARTITION BY b.origin_id ORDER BY b.start_no, b.id)) row
WHERE start_no IS DISTINCT FROM expected ORDER BY registry, start_no;

-- equation: open-block
SELECT j.registry_code AS registry, count(*) FILTER (WHERE b.end_no IS NULL) AS found
FROM registry_unitblock b JOIN accounts_jurisdiction j ON j.id = b.origin_id
GROUP BY 1 HAVING count(*) FILTER (WHERE b.end_no IS NULL) <> 1 ORDER BY 1;

-- equation: issue
-- What a unit is follows from its issue, and every issued serial is a unit.
SELECT j.registry_code AS registry, b.start_no AS serial
FROM registry_unitblock b JOIN accounts_jurisdiction j ON j.id = b.origin_id
    LEFT JOIN registry_issue i ON i.origin_id = b.origin_id AND i.first_no <= b.start_no AND b.start_no < i.next_no
WHERE (b.account_id IS NULL) <> (i.first_no IS NULL)
    OR b.account_id IS NOT NULL AND ((b.series_id, b.issue_first, b.issue_next) IS DISTINCT FROM
        (i.series_id, i.first_no, i.next_no) OR b.end_no > i.next_no)
ORDER BY 1, 2;

-- equation: minted
SELECT i.transaction_id AS transaction, i.next_no - i.first_no AS issued, coalesce(sum(r.next_no - r.first_no), 0) AS recorded
FROM registry_issue i LEFT JOIN registry_transactionblock r ON r.transaction_id = i.transaction_id
    AND (r.origin_id, r.first_no, r.next_no, r.series_id) = (i.origin_id, i.first_no, i.next_no, i.series_id)
    AND r.from_account_id IS NULL
GROUP BY i.origin_id, i.first_no, 1, 2 HAVING coalesce(sum(r.next_no - r.first_no), 0) <> i.next_no - i.first_no
ORDER BY 1;

-- equation: cap
SELECT c.id AS cap, c.issued, coalesce(sum(i.next_no - i.first_no), 0) AS found, c.limit
FROM registry_issuancecap c LEFT JOIN registry_issue i ON i.cap_id = c.id
GROUP BY c.id HAVING coalesce(sum(i.next_no - i.first_no), 0) <> c.issued OR c.issued > c.limit ORDER BY 1;

-- equation: quantity
-- What could reserve nothing (serials not issued yet, retired ones) has ranges only once it is complete.
SELECT t.id AS transaction, t.quantity, coalesce(sum(r.next_no - r.first_no), 0) AS found
FROM registry_transaction t LEFT JOIN registry_transactiontype k ON k.code = t.type_id
    LEFT JOIN registry_transactionblock r ON r.transaction_id = t.id AND r.made_from_id IS NULL
GROUP BY t.id, k.code HAVING coalesce(sum(r.next_no - r.first_no), 0)
    <> CASE WHEN t.state <> 'COMPLETED' AND k.effect IN ('mint', 'restore') THEN 0 ELSE t.quantity END ORDER BY 1;

-- equation: conversion
-- For every range that a completed conversion retired it made as many units, in the same account, of the series recorded, and
-- nothing else was made so.
SELECT coalesce(r.transaction_id, m.transaction_id) AS transaction, coalesce(r.next_no - r.first_no, 0) AS retired,
    coalesce(m.next_no - m.first_no, 0) AS made
FROM (SELECT b.*, t.state FROM registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id
        WHERE b.to_series_id IS NOT NULL AND t.state = 'COMPLETED') r
    FULL JOIN (SELECT * FROM registry_transactionblock WHERE made_from_id IS NOT NULL) m ON m.made_from_id = r.id
WHERE (r.transaction_id, r.origin_id, r.to_series_id, r.from_account_id, r.next_no - r.first_no)
    IS DISTINCT FROM (m.transaction_id, m.origin_id, m.series_id, m.to_account_id, m.next_no - m.first_no) ORDER BY 1;

-- equation: balance
-- Every balance, from the transactions.
SELECT a.identifier AS account, u.code AS unit_type, s.vintage, coalesce(h.quantity, 0) AS found, coalesce(m.total, 0) AS expected
FROM (SELECT account_id, series_id, recognition_id, sum(units) AS total FROM (
        SELECT r.to_account_id AS account_id, r.series_id, coalesce(r.to_recognition_id, r.recognition_id) AS recognition_id, r.next_no - r.first_no AS units
        FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id WHERE t.state = 'COMPLETED'
        UNION ALL
        SELECT r.from_account_id, r.series_id, r.recognition_id, r.first_no - r.next_no
        FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id
        WHERE t.state = 'COMPLETED' AND r.from_account_id IS NOT NULL) moved
    GROUP BY 1, 2, 3) m
    FULL JOIN registry_holding h USING (account_id, series_id, recognition_id)
    JOIN accounts_account a ON a.id = account_id JOIN registry_series s ON s.id = series_id
    JOIN registry_unittype u ON u.id = s.unit_type_id
WHERE coalesce(h.quantity, 0) <> coalesce(m.total, 0) ORDER BY 1, 2, 3;

-- equation: blocks
SELECT a.identifier AS account, u.code AS unit_type, s.vintage, coalesce(h.quantity, 0) AS found, coalesce(b.total, 0) AS expected,
    coalesce(h.reserved, 0) AS found_reserved, coalesce(b.held, 0) AS expected_reserved
FROM (SELECT account_id, series_id, recognition_id, sum(end_no - start_no) AS total,
        coalesce(sum(end_no - start_no) FILTER (WHERE held_for IS NOT NULL), 0) AS held
    FROM registry_unitblock WHERE account_id IS NOT NULL GROUP BY 1, 2, 3) b
    FULL JOIN registry_holding h USING (account_id, series_id, recognition_id)
    JOIN accounts_account a ON a.id = account_id JOIN registry_series s ON s.id = series_id
    JOIN registry_unittype u ON u.id = s.unit_type_id
WHERE (coalesce(h.quantity, 0), coalesce(h.reserved, 0)) <> (coalesce(b.total, 0), coalesce(b.held, 0))
ORDER BY 1, 2, 3;

-- equation: reservation
-- What waiting transactions' ranges name is what blocks are held for, serial by serial.
SELECT coalesce(r.id, b.id) AS transaction, coalesce(r.total, 0) AS expected,
    coalesce(CASE WHEN b.total IS DISTINCT FROM r.total THEN b.total ELSE m.total END, 0) AS found
FROM (SELECT t.id, sum(r.next_no - r.first_no) AS total
    FROM registry_transaction t JOIN registry_transactionblock r ON r.transaction_id = t.id
    WHERE t.state NOT IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED') GROUP BY 1) r
    FULL JOIN (SELECT held_for AS id, sum(end_no - start_no) AS total FROM registry_unitblock
        WHERE held_for IS NOT NULL GROUP BY 1) b USING (id)
    LEFT JOIN (SELECT b.held_for AS id, sum(least(b.end_no, r.next_no) - greatest(b.start_no, r.first_no)) AS total
        FROM registry_unitblock b JOIN registry_transactionblock r ON r.transaction_id = b.held_for AND r.origin_id = b.origin_id
            AND r.first_no < b.end_no AND b.start_no < r.next_no AND r.from_account_id = b.account_id
        WHERE b.held_for IS NOT NULL GROUP BY 1) m USING (id)
WHERE (coalesce(r.total, 0), coalesce(r.total, 0)) <> (coalesce(b.total, 0), coalesce(m.total, 0)) ORDER BY 1;

-- equation: conservation
-- Issued = held free + reserved + surrendered + cancelled + lapsed, by series.
SELECT j.registry_code AS registry, u.code AS unit_type, s.vintage, coalesce(i.issued, 0) AS issued, coalesce(h.held, 0) AS held,
    coalesce(h.reserved, 0) AS reserved, coalesce(h.surrendered, 0) AS surrendered, coalesce(h.cancelled, 0) AS cancelled,
    coalesce(h.lapsed, 0) AS lapsed
FROM registry_series s JOIN registry_unittype u ON u.id = s.unit_type_id JOIN accounts_jurisdiction j ON j.id = s.origin_id
    LEFT JOIN (SELECT series_id, sum(next_no - first_no) AS issued FROM registry_issue GROUP BY 1) i ON i.series_id = s.id
    LEFT JOIN (SELECT h.series_id, sum(h.quantity) AS total, sum(h.reserved) AS reserved,
        sum(h.quantity - h.reserved) FILTER (WHERE t.standing = 'held') AS held,
        sum(h.quantity) FILTER (WHERE t.standing = 'surrendered') AS surrendered,
        sum(h.quantity) FILTER (WHERE t.standing = 'cancelled') AS cancelled,
        sum(h.quantity) FILTER (WHERE t.standing = 'lapsed') AS lapsed
        FROM registry_holding h JOIN accounts_account a ON a.id = h.account_id JOIN accounts_accounttype t ON t.code = a.type_id
        GROUP BY 1) h ON h.series_id = s.id
WHERE coalesce(i.issued, 0) <> coalesce(h.held, 0) + coalesce(h.reserved, 0) + coalesce(h.surrendered, 0)
    + coalesce(h.cancelled, 0) + coalesce(h.lapsed, 0)
ORDER BY 1, 2, 3;

-- equation: retired
-- Units in accounts that retire are retired, and no others.
SELECT j.registry_code AS registry, b.start_no AS serial, a.identifier AS account
FROM registry_unitblock b JOIN accounts_account a ON a.id = b.account_id JOIN accounts_accounttype t ON t.code = a.type_id
    JOIN accounts_jurisdiction j ON j.id = b.origin_id
WHERE b.retired <> t.retires OR b.retired AND b.held_for IS NOT NULL ORDER BY 1, 2;

-- equation: closed
-- A closed account holds nothing.
SELECT a.identifier AS account, sum(h.quantity) AS found
FROM registry_holding h JOIN accounts_account a ON a.id = h.account_id
WHERE a.status = 'CLOSED' AND h.quantity > 0 GROUP BY 1 ORDER BY 1;

-- equation: daily-use
-- Every day that is counted, from the transactions: proposed that day where the account is, by a person, and not ended without effect.
SELECT a.identifier AS account, u.day, u.used AS found, coalesce(m.total, 0) AS expected
FROM registry_dailyuse u JOIN accounts_account a ON a.id = u.account_id
    LEFT JOIN (SELECT r.from_account_id AS account_id, (t.proposed_at AT TIME ZONE j.time_zone)::date AS day, sum(r.next_no - r.first_no) AS total
        FROM registry_transaction t JOIN registry_transactionblock r ON r.transaction_id = t.id
            JOIN accounts_account f ON f.id = r.from_account_id JOIN accounts_jurisdiction j ON j.id = f.jurisdiction_id
        WHERE registry_type_is_limited(t.type_id) AND t.initiator_id IS NOT NULL AND t.state NOT IN ('REJECTED', 'CANCELLED', 'TERMINATED')
        GROUP BY 1, 2) m ON m.account_id = u.account_id AND m.day = u.day
WHERE u.used <> coalesce(m.total, 0) ORDER BY 1, 2;

-- equation: holding-limit
-- Held: balances of the holder's private accounts there. Pending: what waits to come to them from anybody else.
SELECT l.holder_id AS holder, j.code AS jurisdiction, l.held, l.pending, coalesce(h.total, 0) AS expected_held, coalesce(p.total, 0) AS expected_pending
FROM registry_holdinglimit l JOIN accounts_jurisdiction j ON j.id = l.jurisdiction_id
    LEFT JOIN (SELECT a.holder_id, a.jurisdiction_id, sum(h.quantity) AS total
        FROM registry_holding h JOIN registry_privateaccount a ON a.id = h.account_id GROUP BY 1, 2) h
        ON h.holder_id = l.holder_id AND h.jurisdiction_id = l.jurisdiction_id
    LEFT JOIN (SELECT a.holder_id, a.jurisdiction_id, sum(r.next_no - r.first_no) AS total
        FROM registry_transaction t JOIN registry_transactionblock r ON r.transaction_id = t.id
            JOIN registry_privateaccount a ON a.id = r.to_account_id LEFT JOIN registry_privateaccount f ON f.id = r.from_account_id
        WHERE t.state NOT IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED')
            AND (f.holder_id, f.jurisdiction_id) IS DISTINCT FROM (a.holder_id, a.jurisdiction_id) GROUP BY 1, 2) p
        ON p.holder_id = l.holder_id AND p.jurisdiction_id = l.jurisdiction_id
WHERE (l.held, l.pending) <> (coalesce(h.total, 0), coalesce(p.total, 0)) ORDER BY 1, 2;

-- equation: frozen
-- What an active freeze covers in its registry is marked, by one that covers it there, and nothing else is.
SELECT j.registry_code AS registry, b.start_no AS serial
FROM registry_unitblock b JOIN accounts_jurisdiction j ON j.id = b.origin_id LEFT JOIN accounts_account a ON a.id = b.account_id
WHERE b.frozen_by IS NOT NULL AND NOT EXISTS (SELECT FROM registry_freeze f WHERE f.id = b.frozen_by AND f.released_at IS NULL
        AND f.origin_id = b.origin_id AND f.jurisdiction_id = a.jurisdiction_id AND f.first_no <= b.start_no AND b.end_no <= f.next_no)
    OR b.frozen_by IS NULL AND b.end_no IS NOT NULL AND EXISTS (SELECT FROM registry_freeze f WHERE f.origin_id = b.origin_id
        AND f.jurisdiction_id = a.jurisdiction_id AND f.released_at IS NULL AND int8range(f.first_no, f.next_no) && int8range(b.start_no, b.end_no))
ORDER BY 1, 2;

-- equation: stopped
-- An account is frozen, and a transaction on hold, while a freeze of it is active, and no longer.
SELECT a.identifier AS subject FROM accounts_account a
WHERE a.frozen <> EXISTS (SELECT FROM registry_freeze f WHERE f.account_id = a.id AND f.released_at IS NULL)
UNION ALL
SELECT t.id::text FROM registry_transaction t
WHERE (t.state = 'ON_HOLD') <> EXISTS (SELECT FROM registry_freeze f WHERE f.transaction_id = t.id AND f.released_at IS NULL)
ORDER BY 1;

-- equation: tally
-- What an account had taken in and given out before each tally, from the transactions; a row stands where something moved since the last.
SELECT a.identifier AS account, u.code AS unit_type, s.vintage, at, coalesce(o.entered, 0) AS found_entered, coalesce(o.gone, 0) AS found_gone,
    coalesce(m.entered, 0) AS expected_entered, coalesce(m.gone, 0) AS expected_gone
FROM (SELECT account_id, series_id, recognition_id, at, sum(entered) OVER w AS entered, sum(gone) OVER w AS gone
    FROM (SELECT account_id, series_id, recognition_id, (SELECT min(k.at) FROM registry_tally k WHERE k.summed AND k.at > completed_at) AS at,
            sum(entered) AS entered, sum(gone) AS gone
        FROM (SELECT r.to_account_id AS account_id, r.series_id, coalesce(r.to_recognition_id, r.recognition_id) AS recognition_id,
                t.completed_at, r.next_no - r.first_no AS entered, 0 AS gone
            FROM registry_transaction t JOIN registry_transactionblock r ON r.transaction_id = t.id WHERE t.state = 'COMPLETED'
            UNION ALL
            SELECT r.from_account_id, r.series_id, r.recognition_id, t.completed_at, 0, r.next_no - r.first_no
            FROM registry_transaction t JOIN registry_transactionblock r ON r.transaction_id = t.id
            WHERE t.state = 'COMPLETED' AND r.from_account_id IS NOT NULL) moved
        GROUP BY 1, 2, 3, 4) of_a_tally
    WHERE at IS NOT NULL WINDOW w AS (PARTITION BY account_id, series_id, recognition_id ORDER BY at)) m
    FULL JOIN registry_turnover o USING (account_id, series_id, recognition_id, at)
    JOIN accounts_account a ON a.id = account_id JOIN registry_series s ON s.id = series_id JOIN registry_unittype u ON u.id = s.unit_type_id
WHERE (coalesce(o.entered, 0), coalesce(o.gone, 0)) <> (coalesce(m.entered, 0), coalesce(m.gone, 0)) ORDER BY 1, 2, 3, 4;
