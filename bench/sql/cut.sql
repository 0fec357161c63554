-- Cut every trading account's block into :each, of different sizes, as transfers would have left them. How blocks are cut changes
-- nothing that counts, so the records stay true, and verify_ledger looks at the result. Rows are written past the triggers, which
-- would take minutes; that needs the cluster's superuser.
SET session_replication_role = replica;
CREATE TEMPORARY TABLE whole AS
    SELECT b.*, (b.end_no - b.start_no) / :each AS size FROM registry_unitblock b
    JOIN accounts_account a ON a.id = b.account_id WHERE a.type_id = 'TRA';
DELETE FROM registry_unitblock WHERE id IN (SELECT id FROM whole);
INSERT INTO registry_unitblock (origin_id, start_no, end_no, series_id, issue_first, issue_next, account_id, retired, recognition_id)
SELECT origin_id, cut, coalesce(lead(cut) OVER (PARTITION BY id ORDER BY cut), end_no), series_id, issue_first, issue_next,
    account_id, retired, recognition_id
FROM (SELECT w.*, w.start_no + n * w.size + CASE n WHEN 0 THEN 0 ELSE (n * 7919 + w.id * 31) % greatest(w.size - 1, 1) END AS cut
      FROM whole w, generate_series(0, :each - 1) n) cuts
ORDER BY cut;
