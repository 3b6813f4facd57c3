-- 0067_people_external_erased.sql: what somebody is called elsewhere goes when the person is erased (AUD-06).

grant delete on people.external to tessera_app;
