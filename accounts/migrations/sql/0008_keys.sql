-- What a request begins with, in one round trip and with its plan kept: the key that it names, its user and their roles
-- ("role@jurisdiction", or the word for everywhere), as [[key], [user], [roles]]; null for an unknown prefix.
CREATE FUNCTION accounts_key_with_its_user(named text, everywhere text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (SELECT json_build_array(
        json_build_array(k.id, k.user_id, k.name, k.prefix, k.secret_hash, k.scopes, k.created_at, k.expires_at, k.revoked_at,
            k.last_used_at),
        json_build_array(u.id, u.username, u.language, u.is_active),
        ARRAY(SELECT r.role || '@' || coalesce(j.code, everywhere) FROM accounts_userrole r
            LEFT JOIN accounts_jurisdiction j ON j.id = r.jurisdiction_id WHERE r.user_id = k.user_id))
    FROM accounts_apikey k JOIN accounts_user u ON u.id = k.user_id WHERE k.prefix = named);
END $$;
REVOKE EXECUTE ON FUNCTION accounts_key_with_its_user(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_key_with_its_user(text, text) TO registry_application;
