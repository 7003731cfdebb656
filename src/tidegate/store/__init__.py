"""The database: schema, migrations, records and queries. Nothing else speaks SQL."""
