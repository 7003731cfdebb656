-- Which plane the rows of hosts and Redis servers are about. One row at most: real things are in one place.
create table plane (
    only_one boolean primary key default true check (only_one),
    identity text not null,
    folder text not null
);
