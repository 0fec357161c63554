-- What an account is never changes, a closed one never reopens and none is deleted; the registry's code and its counter of
-- account numbers only go forward. Statuses follow each other as accounts/rules/statuses.py says; a test compares.

-- ISO 7064 MOD 97-10 over the text, A=10 .. Z=35 and the dash 36: the two digits that follow it.
CREATE FUNCTION accounts_check_digits(body text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT lpad((98 - (string_agg(CASE WHEN c = '-' THEN '36' WHEN ascii(c) BETWEEN 48 AND 57 THEN c
        ELSE (ascii(c) - 55)::text END, '' ORDER BY n) || '00')::numeric % 97)::text, 2, '0')
    FROM regexp_split_to_table(body, '') WITH ORDINALITY AS letters (c, n)
$$;

CREATE FUNCTION accounts_account_may_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    body text;
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'accounts are closed, never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'INSERT' THEN
        SELECT j.registry_code || '-' || NEW.type_id || '-' || NEW.number INTO body
        FROM accounts_jurisdiction j WHERE j.id = NEW.jurisdiction_id;
        IF NEW.identifier <> body || '-' || accounts_check_digits(body) THEN
            RAISE EXCEPTION 'an account identifier prints registry, type, number and check digits'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.identifier, NEW.jurisdiction_id, NEW.type_id, NEW.number, NEW.holder_id, NEW.installation_id, NEW.retires)
            IS DISTINCT FROM
            (OLD.id, OLD.identifier, OLD.jurisdiction_id, OLD.type_id, OLD.number, OLD.holder_id, OLD.installation_id, OLD.retires) THEN
        RAISE EXCEPTION 'what an account is never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.status <> OLD.status AND NOT (CASE OLD.status
        WHEN 'REQUESTED' THEN NEW.status IN ('OPEN', 'CLOSED')
        WHEN 'OPEN' THEN NEW.status IN ('SOME_RESTRICTED', 'ALL_RESTRICTED', 'SUSPENDED', 'CLOSURE_PENDING')
        WHEN 'SOME_RESTRICTED' THEN NEW.status IN ('OPEN', 'ALL_RESTRICTED', 'SUSPENDED', 'CLOSURE_PENDING')
        WHEN 'ALL_RESTRICTED' THEN NEW.status IN ('OPEN', 'SOME_RESTRICTED', 'SUSPENDED', 'CLOSURE_PENDING')
        WHEN 'SUSPENDED' THEN NEW.status IN ('OPEN', 'SOME_RESTRICTED', 'ALL_RESTRICTED', 'CLOSURE_PENDING')
        WHEN 'CLOSURE_PENDING' THEN NEW.status IN ('OPEN', 'CLOSED')
        ELSE false
    END) THEN
        RAISE EXCEPTION 'an account does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_status_may_change BEFORE INSERT OR UPDATE OR DELETE ON accounts_account
    FOR EACH ROW EXECUTE FUNCTION accounts_account_may_change();
CREATE TRIGGER accounts_are_never_emptied BEFORE TRUNCATE ON accounts_account
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_account_may_change();
ALTER TABLE accounts_account ADD CONSTRAINT account_status_is_known CHECK (status IN
    ('REQUESTED', 'OPEN', 'SOME_RESTRICTED', 'ALL_RESTRICTED', 'SUSPENDED', 'CLOSURE_PENDING', 'CLOSED'));

CREATE FUNCTION accounts_jurisdiction_may_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'jurisdictions are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF (NEW.id, NEW.code, NEW.registry_code, NEW.is_test) <> (OLD.id, OLD.code, OLD.registry_code, OLD.is_test) THEN
        RAISE EXCEPTION 'a jurisdiction keeps its code' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.next_account_number < OLD.next_account_number THEN
        RAISE EXCEPTION 'account numbers are never given twice' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER jurisdiction_keeps_its_code BEFORE UPDATE OR DELETE ON accounts_jurisdiction
    FOR EACH ROW EXECUTE FUNCTION accounts_jurisdiction_may_change();

-- A person who has acted stays known: users are deactivated. What they did refers to them without a lock.
CREATE FUNCTION accounts_user_stays() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'users are deactivated, never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_stay BEFORE UPDATE OF id OR DELETE ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION accounts_user_stays();
