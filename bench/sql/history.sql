-- A million transfers from one account (:sender), one unit each, written past the triggers: they are read, never verified.
SET session_replication_role = replica;
DROP INDEX life_of_a_serial;
CREATE TEMPORARY TABLE party AS
    SELECT (SELECT id FROM accounts_account WHERE identifier = :sender) AS sender, array_agg(id ORDER BY id) AS others, count(*) AS many
    FROM accounts_account WHERE type_id = 'TRA' AND identifier <> :sender;
CREATE TEMPORARY TABLE moved AS
    SELECT n, uuidv7(make_interval(secs => n - :movements)) AS id FROM generate_series(1, :movements) n;
INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity, proposed_at,
    completed_at, recorded_in)
SELECT m.id, '10-50', 'COMPLETED', a.jurisdiction_id, p.sender, p.others[1 + m.n % p.many], 1, now(), now(), '3'
FROM moved m, party p JOIN accounts_account a ON a.id = p.sender;
INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, from_account_id, to_account_id)
SELECT m.id, i.origin_id, i.first_no + m.n, i.first_no + m.n + 1, i.series_id, p.sender, p.others[1 + m.n % p.many]
FROM moved m, party p, (SELECT * FROM registry_issue LIMIT 1) i ORDER BY m.n;
CREATE INDEX life_of_a_serial ON registry_transactionblock USING gist (origin_id, int8range(first_no, next_no));
VACUUM ANALYZE
