-- The types of transaction as the triggers know them: a copy of registry/rules/types.py; a test compares the two.
INSERT INTO registry_transactiontype (code, effect, from_types, to_types, within_one_registry, needs_obligation,
    needs_allocation, needs_original, approval, delayed) VALUES
    ('1-0', 'mint', '{}', '{ISS}', true, false,
        false, false, 'administrator', false),
    ('10-40', 'move', '{ALL,ISS}', '{OHA}', true, false,
        true, false, 'record', false),
    ('10-37', 'move', '{AUC,ISS}', '{EXS,OHA,TRA}', true, false,
        false, false, 'administrator', false),
    ('10-50', 'move', '{ALL,AUC,EXS,ISS,OHA,RES,TRA}', '{ALL,AUC,EXS,OHA,RES,TRA}', true, false,
        false, false, 'representative', true),
    ('10-2', 'retire', '{OHA}', '{SUR}', true, true,
        false, false, 'representative', false),
    ('4-0', 'retire', '{EXS,OHA,TRA}', '{CAN}', true, false,
        false, false, 'representative', false),
    ('4-48', 'retire', '{ALL,AUC,EXS,ISS,MRG,OHA,RES,TRA}', '{MCN}', true, false,
        false, false, 'administrator', false);
