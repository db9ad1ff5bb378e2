INSERT INTO devices (sub, activated_at, activation_territory, sale_region, model, last_serial, locks_at,
                     override_decision, override_reason, override_case, override_at)
VALUES ('d-old', 1000, 'FR', 'global', 'Lark 1', 7, 9000, 'deny', 'asked for', 'SLV-1', 2000);
INSERT INTO verdicts (jti, sub, serial, iat, exp, decision, reason, territory, policy_id, policy_version, rule, trust,
                      identity, case_number, jkt, token_digest, inputs, appraisal, judgement)
VALUES ('old', 'd-old', 7, 3000, 6600, 'deny', 'territory-prohibited', 'CU', 'export-2021-09', 1, 'prohibited',
        'affirming', 'attested', 'SLV-1', 'ttttttttttttttttttttttttttttttttttttttttttt', '00', '{"intent": "activate"}',
        '{"hardware": "genuine"}', '{"status": "resolved"}');
INSERT INTO spent_nonces (nonce, until) VALUES (X'6E6F6E6365', 9999999999);
