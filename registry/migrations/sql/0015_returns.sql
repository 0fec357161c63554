-- A return takes back what the authority determined to be too much of a delivered allocation: counted under the row's lock, from the
-- proposal on; what ends without completing is given back.
CREATE FUNCTION registry_return_counts() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE registry_allocationexcess e SET returned = e.returned + NEW.quantity
        FROM registry_allocation r, accounts_account f, registry_unittype u
        WHERE e.allocation_id = NEW.returns_id AND r.id = e.allocation_id AND f.id = NEW.transferring_id AND u.id = r.unit_type_id
            AND f.installation_id = r.installation_id AND u.jurisdiction_id = NEW.jurisdiction_id
            AND EXISTS (SELECT FROM registry_transaction t WHERE t.allocation_id = r.id AND t.state = 'COMPLETED');
        IF NOT FOUND THEN
            RAISE EXCEPTION 'allocation % was not delivered to the installation, or has no excess', NEW.returns_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'return_is_of_an_excess';
        END IF;
    ELSIF NEW.state IN ('REJECTED', 'CANCELLED', 'TERMINATED') AND OLD.state <> NEW.state THEN
        UPDATE registry_allocationexcess e SET returned = e.returned - NEW.quantity WHERE e.allocation_id = NEW.returns_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER returns_count AFTER INSERT OR UPDATE OF state ON registry_transaction
    FOR EACH ROW WHEN (NEW.returns_id IS NOT NULL) EXECUTE FUNCTION registry_return_counts();

-- The units returned are of the type and vintage that were allocated.
-- Called for each range of a return (registry_range_takes_effect).
CREATE FUNCTION registry_range_returns_what_was_allocated(part registry_transactionblock, allocation bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_allocation r JOIN registry_series s ON s.id = part.series_id
            WHERE r.id = allocation AND (s.unit_type_id, s.vintage) = (r.unit_type_id, r.vintage)) THEN
        RAISE EXCEPTION 'other units were allocated' USING ERRCODE = 'check_violation', CONSTRAINT = 'return_is_of_what_was_allocated';
    END IF;
END $$;

CREATE FUNCTION registry_excess_counts_returns() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an excess is corrected, never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'INSERT' AND NEW.returned <> 0 OR TG_OP = 'UPDATE' AND (NEW.allocation_id <> OLD.allocation_id
            OR NEW.returned <> OLD.returned AND pg_trigger_depth() < 2) THEN
        RAISE EXCEPTION 'what is returned is counted by the returns alone' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.quantity > (SELECT r.quantity FROM registry_allocation r WHERE r.id = NEW.allocation_id) THEN
        RAISE EXCEPTION 'no more was too much than was allocated' USING ERRCODE = 'check_violation', CONSTRAINT = 'excess_is_within_the_allocation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER excesses_count_returns BEFORE INSERT OR UPDATE OR DELETE ON registry_allocationexcess
    FOR EACH ROW EXECUTE FUNCTION registry_excess_counts_returns();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_allocationexcess EXECUTE FUNCTION registry_never_changes();

REVOKE EXECUTE ON FUNCTION registry_return_counts(), registry_range_returns_what_was_allocated(registry_transactionblock, bigint), registry_excess_counts_returns() FROM PUBLIC;
GRANT SELECT ON registry_allocationexcess TO registry_application, registry_auditor;
GRANT INSERT (allocation_id, quantity, returned, source, recorded_by_id, recorded_at), UPDATE (quantity, source, recorded_by_id, recorded_at)
    ON registry_allocationexcess TO registry_application;
