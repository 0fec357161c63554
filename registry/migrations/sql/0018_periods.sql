-- Cover-the-excess: bases and applications stay as they were recorded, and no more excess credits are granted than what was recorded
-- of a facility's years makes issuable.

-- What is recognised at a rate, or carried over, is found without looking at what is neither.
CREATE INDEX recognised_ranges ON registry_transactionblock (transaction_id) WHERE recognition_id <> 0;

CREATE TRIGGER bases_never_change BEFORE UPDATE OR DELETE ON registry_recordedbase
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_recordedbase EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER applications_never_change BEFORE UPDATE OR DELETE ON registry_excessapplication
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_excessapplication EXECUTE FUNCTION registry_never_changes();

CREATE FUNCTION registry_base_correction_is_of_the_same_year() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_recordedbase r WHERE r.id = NEW.corrects_id
            AND (r.installation_id, r.year) = (NEW.installation_id, NEW.year)
            AND r.id < NEW.id AND r.recorded_at <= NEW.recorded_at) THEN
        RAISE EXCEPTION 'a correction is of the same installation and year, and comes after what it corrects'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER base_corrections_are_of_the_same_year BEFORE INSERT ON registry_recordedbase
    FOR EACH ROW WHEN (NEW.corrects_id IS NOT NULL) EXECUTE FUNCTION registry_base_correction_is_of_the_same_year();

-- An application is for what its allocation would grant, to the same facility, in a vintage that is its last verified year.
CREATE FUNCTION registry_application_fits_its_allocation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_allocation r JOIN registry_allocationtable t ON t.id = r.table_id
            JOIN LATERAL registry_period_of(t.jurisdiction_id, r.vintage) p ON p.unit_type = r.unit_type_id
            WHERE r.id = NEW.allocation_id AND r.installation_id = NEW.installation_id AND r.state = 'LOADED'
                AND (r.vintage, p.first_year, p.last_year) = (NEW.through_year, NEW.first_year, NEW.last_year)
                AND r.quantity <= NEW.issuable AND t.loaded_by_id = NEW.applied_by_id) THEN
        RAISE EXCEPTION 'an application is for the allocation it names'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_fits_its_allocation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER applications_fit_their_allocations BEFORE INSERT ON registry_excessapplication
    FOR EACH ROW EXECUTE FUNCTION registry_application_fits_its_allocation();

-- The units that a facility's verified years of a period entitle it to, in all: the reductions that count (none above half the base of
-- its year) less the required ones, rounded down once; 0 before the second year of the period is verified. Exact: everything is brought
-- to one denominator. registry/rules/cover_the_excess.py computes the same.
CREATE FUNCTION registry_excess_entitled(installation bigint, from_year integer, to_year integer) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    of record;
    denominator numeric := 2;
    factor numeric;
    excess numeric := 0;
    through integer;
BEGIN
    FOR of IN SELECT y.year, b.base, b.factor_numerator, b.factor_denominator, e.quantity, coalesce(e.excluded, false) AS excluded
            FROM accounts_installation i
                CROSS JOIN generate_series(greatest(from_year, i.first_year), least(to_year, coalesce(i.last_year, to_year))) y (year)
                LEFT JOIN registry_recordedbase b ON b.installation_id = i.id AND b.year = y.year
                    AND NOT EXISTS (SELECT FROM registry_recordedbase c WHERE c.corrects_id = b.id)
                LEFT JOIN registry_recordedemissions e ON e.installation_id = i.id AND e.year = y.year
                    AND NOT EXISTS (SELECT FROM registry_recordedemissions c WHERE c.corrects_id = e.id)
            WHERE i.id = installation ORDER BY y.year LOOP
        CONTINUE WHEN of.excluded;
        EXIT WHEN of.base IS NULL OR of.quantity IS NULL;
        factor := div(lcm(denominator, of.factor_denominator), denominator);
        excess := excess * factor;
        denominator := denominator * factor;
        excess := excess + least((of.base - of.quantity) * denominator, of.base * div(denominator, 2))
            - of.base::numeric * of.factor_numerator * div(denominator, of.factor_denominator);
        through := of.year;
    END LOOP;
    RETURN CASE WHEN through > from_year AND excess > 0 THEN div(excess, denominator) ELSE 0 END;
END $$;

-- The units granted to a facility from a period and not taken back.
CREATE FUNCTION registry_excess_granted(installation bigint, type bigint, from_year integer, to_year integer) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(r.quantity - CASE WHEN EXISTS (SELECT FROM registry_transaction t
                JOIN registry_transaction u ON u.reverses_id = t.id AND u.state = 'COMPLETED'
                WHERE t.allocation_id = r.id AND t.state = 'COMPLETED') THEN r.quantity
            ELSE coalesce((SELECT sum(t.quantity) FROM registry_transaction t WHERE t.returns_id = r.id AND t.state = 'COMPLETED'), 0)
        END), 0)
    FROM registry_allocation r
    WHERE r.installation_id = installation AND r.unit_type_id = type AND r.state = 'READY' AND r.vintage BETWEEN from_year AND to_year
$$;

-- Whoever makes an allocation of excess credits ready, it is within what is issuable by the records of that moment, and where somebody
-- applied for it a senior registry administrator approved it. The facility's row is locked: two are not granted the same at once.
CREATE FUNCTION registry_excess_is_issuable() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    period record;
BEGIN
    SELECT p.first_year, p.last_year, t.approved_by_id, t.jurisdiction_id INTO period
    FROM registry_allocationtable t JOIN LATERAL registry_period_of(t.jurisdiction_id, NEW.vintage) p ON p.unit_type = NEW.unit_type_id
    WHERE t.id = NEW.table_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM FROM accounts_installation i WHERE i.id = NEW.installation_id FOR NO KEY UPDATE;
    IF registry_excess_granted(NEW.installation_id, NEW.unit_type_id, period.first_year, period.last_year)
            > registry_excess_entitled(NEW.installation_id, period.first_year, period.last_year) THEN
        RAISE EXCEPTION 'no more excess credits are granted than are issuable'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'excess_is_issuable';
    ELSIF EXISTS (SELECT FROM registry_excessapplication a WHERE a.allocation_id = NEW.id) AND NOT EXISTS (
            SELECT FROM accounts_userrole r WHERE r.user_id = period.approved_by_id AND r.role = 'senior-registry-administrator'
                AND coalesce(r.jurisdiction_id = period.jurisdiction_id, true)) THEN
        RAISE EXCEPTION 'excess credits are approved by a senior registry administrator'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approver_has_the_right';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER excess_is_issuable AFTER UPDATE OF state ON registry_allocation
    FOR EACH ROW WHEN (NEW.state = 'READY' AND OLD.state <> 'READY') EXECUTE FUNCTION registry_excess_is_issuable();

-- Where the rule is cover-the-excess, a facility has one obligation for a period, of its last year.
CREATE FUNCTION registry_obligation_is_of_a_period() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM registry_period_of(NEW.jurisdiction_id, NEW.year) p WHERE p.last_year <> NEW.year) THEN
        RAISE EXCEPTION 'an obligation for a period is of its last year'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'obligation_is_of_a_period';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER obligations_are_of_a_period BEFORE INSERT ON registry_obligation
    FOR EACH ROW EXECUTE FUNCTION registry_obligation_is_of_a_period();

REVOKE EXECUTE ON FUNCTION registry_base_correction_is_of_the_same_year(), registry_application_fits_its_allocation(),
    registry_excess_entitled(bigint, integer, integer), registry_excess_granted(bigint, bigint, integer, integer),
    registry_excess_is_issuable(), registry_obligation_is_of_a_period() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry_period_of(bigint, integer) TO registry_application;
GRANT SELECT ON registry_recordedbase, registry_excessapplication TO registry_application, registry_auditor;
GRANT INSERT ON registry_recordedbase, registry_excessapplication TO registry_application;
GRANT USAGE ON SEQUENCE registry_recordedbase_id_seq, registry_excessapplication_id_seq TO registry_application;
