-- Who an account trusts is decided by two of its own people (domain.md section 3). This holds whoever writes the rows: the
-- constraints say what a row is, this trigger by whom and in which order it comes about.

-- An identifier prints its own check digits, also where its registry is not hosted here.
ALTER TABLE accounts_trustedaccount ADD CONSTRAINT trusted_identifier_has_its_check_digits CHECK (
    CASE WHEN trusted_identifier ~ '^[A-Z]{2}[A-Z0-9]{1,3}-[A-Z]{3}-[1-9][0-9]{0,17}-[0-9]{2}$'
        THEN right(trusted_identifier, 2) = accounts_check_digits(left(trusted_identifier, -3))
        ELSE false
    END);

CREATE FUNCTION accounts_trusted_account_may_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    home bigint;
    closed boolean;
    administered boolean;
    person bigint;
    wanted text[];
    offices text[];
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'trusted accounts are removed, never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'INSERT' AND NEW.state <> 'REQUESTED' THEN
        RAISE EXCEPTION 'a trusted account begins as a request' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        IF (NEW.id, NEW.account_id, NEW.trusted_identifier, NEW.note, NEW.requested_by_id, NEW.requested_at) IS DISTINCT FROM
                (OLD.id, OLD.account_id, OLD.trusted_identifier, OLD.note, OLD.requested_by_id, OLD.requested_at) THEN
            RAISE EXCEPTION 'what was asked never changes' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF NOT (CASE OLD.state
            WHEN 'REQUESTED' THEN NEW.state IN ('APPROVED', 'REJECTED', 'WITHDRAWN')
            WHEN 'APPROVED' THEN NEW.state = 'REMOVED'
            ELSE false
        END) THEN
            RAISE EXCEPTION 'a trusted account does not go from % to %', OLD.state, NEW.state
                USING ERRCODE = 'integrity_constraint_violation';
        ELSIF OLD.state = 'APPROVED' AND (NEW.decided_by_id, NEW.decided_at, NEW.active_from) IS DISTINCT FROM
                (OLD.decided_by_id, OLD.decided_at, OLD.active_from) THEN
            RAISE EXCEPTION 'what was decided never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;

    -- A right that ends meanwhile has ended before: every change of an account's rights takes this lock.
    PERFORM FROM accounts_account WHERE id = NEW.account_id FOR NO KEY UPDATE;
    SELECT a.jurisdiction_id, a.status = 'CLOSED', t.administrative INTO home, closed, administered
    FROM accounts_account a JOIN accounts_accounttype t ON t.code = a.type_id WHERE a.id = NEW.account_id;
    IF closed AND NEW.state IN ('REQUESTED', 'APPROVED') THEN
        RAISE EXCEPTION 'a closed account trusts nobody anew' USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    -- Who acts, by which rights of a representative or which offices in the account's jurisdiction.
    wanted := ARRAY['INITIATE', 'INITIATE_AND_APPROVE'];
    offices := ARRAY['senior-registry-administrator', 'junior-registry-administrator'];
    IF NEW.state = 'REQUESTED' THEN
        person := NEW.requested_by_id;
    ELSIF NEW.state IN ('APPROVED', 'REJECTED') THEN
        person := NEW.decided_by_id;
        wanted := ARRAY['APPROVE', 'INITIATE_AND_APPROVE'];
        offices := ARRAY['senior-registry-administrator'];
    ELSE
        person := NEW.removed_by_id;
    END IF;
    IF EXISTS (SELECT FROM accounts_representative r
        WHERE r.account_id = NEW.account_id AND r.user_id = person AND r.state = 'ACTIVE' AND r.rights = ANY (wanted)) THEN
        RETURN NEW;
    -- Administrative accounts have no representatives; from any other list an administrator only removes. Removal is by order.
    ELSIF (administered OR NEW.state = 'REMOVED') AND (NEW.state <> 'REMOVED' OR NEW.removal_reason <> '') AND EXISTS (SELECT FROM accounts_userrole r
        WHERE r.user_id = person AND (r.jurisdiction_id IS NULL OR r.jurisdiction_id = home) AND r.role = ANY (offices)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a list of trusted accounts is changed by who has the right' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER trusted_account_may_change BEFORE INSERT OR UPDATE OR DELETE ON accounts_trustedaccount
    FOR EACH ROW EXECUTE FUNCTION accounts_trusted_account_may_change();
CREATE TRIGGER trusted_accounts_are_never_emptied BEFORE TRUNCATE ON accounts_trustedaccount
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_trusted_account_may_change();

-- Whether an account trusts another at an instant: both have one holder, or it is on the list and active. Two look-ups by
-- unique indexes (account_is_trusted_once and identifiers), with their plans kept.
CREATE FUNCTION accounts_trusted(account bigint, other text, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (SELECT FROM accounts_trustedaccount t
            WHERE t.account_id = account AND t.trusted_identifier = other AND t.state = 'APPROVED' AND t.active_from <= at)
        OR EXISTS (SELECT FROM accounts_account o JOIN accounts_account a ON a.holder_id = o.holder_id
            WHERE o.identifier = other AND a.id = account);
END $$;
REVOKE EXECUTE ON FUNCTION accounts_trusted(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_trusted(bigint, text, timestamptz) TO registry_application;

GRANT SELECT, INSERT, UPDATE (state, decided_by_id, decided_at, active_from, removed_by_id, removed_at, removal_reason)
    ON accounts_trustedaccount TO registry_application;
GRANT SELECT ON accounts_trustedaccount TO registry_auditor;
