"""What Alembic runs: migrations over the connection that the store hands in, in the transaction that it has begun."""

from alembic import context

from server_stub.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
context.run_migrations()
