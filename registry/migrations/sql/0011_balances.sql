-- Balances with one key, for pages that need one; the table's own key is (account, series, recognition).
CREATE VIEW registry_balance AS
    SELECT h.account_id || '-' || h.series_id || '-' || h.recognition_id AS id, h.account_id, h.series_id, h.recognition_id,
        h.quantity, h.reserved
    FROM registry_holding h;
GRANT SELECT ON registry_balance TO registry_application, registry_auditor;
