-- 0064_people_no_passkeys.sql: the place kept for passkeys goes; it comes back with them.

drop table people.passkey;

alter table people.challenge drop constraint challenge_kind_check;
alter table people.challenge add constraint challenge_kind_check check (kind = 'oidc');
alter table people.challenge drop column person_id;
alter table people.session drop constraint session_method_check;
alter table people.session add constraint session_method_check check (method in ('password', 'key', 'oidc'));
