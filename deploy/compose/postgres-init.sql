-- For the slowest statements on the database page; the server is started with the library.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
