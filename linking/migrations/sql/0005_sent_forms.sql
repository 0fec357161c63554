-- What a form of the administration brought about, by the key that it was shown with, stored with its effect: sent again, it is answered
-- with that, and does nothing. `made`: the instrument, suspension or tick.
CREATE TABLE linking_sentform (
    user_id bigint NOT NULL REFERENCES accounts_user (id),
    key uuid NOT NULL,
    digest text NOT NULL,
    made bigint NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT a_form_is_carried_out_once PRIMARY KEY (user_id, key)
);
CREATE TRIGGER sent_forms_never_change BEFORE UPDATE OR DELETE ON linking_sentform
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON linking_sentform EXECUTE FUNCTION registry_never_changes();
GRANT SELECT, INSERT ON linking_sentform TO registry_application;
GRANT SELECT ON linking_sentform TO registry_auditor;
