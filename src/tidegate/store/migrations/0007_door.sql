-- Nonces that were used, until their time stamps are refused anyway (wire.md 8).
create table nonce (
    access_key_id text        not null,
    nonce         text        not null,
    expires       timestamptz not null,
    primary key (access_key_id, nonce)
);

create index nonce_expires on nonce (expires);
