// The official TypeScript client library against a hub that runs the test
// module `notes`. Usage: node client.mjs URI TOKEN
// Prints one line of JSON; exits with 1 and a text when anything differs from
// what a client may expect.
import assert from 'node:assert/strict';
import {
  DbConnectionBuilder,
  DbConnectionImpl,
  convertToAccessorMap,
  procedureSchema,
  procedures,
  reducerSchema,
  reducers,
  schema,
  t,
  table,
} from 'spacetimedb';

const [uri, token] = process.argv.slice(2);
// Nothing below waits longer than this, so that a hub that does not answer
// fails the test instead of hanging it.
const deadline = setTimeout(() => {
  console.error('the hub did not answer within 20 s');
  process.exit(1);
}, 20_000);

const tables = schema({
  note: table(
    { name: 'note', indexes: [], constraints: [] },
    { id: t.u64().primaryKey().autoInc(), text: t.string() }
  ),
});
const remoteModule = {
  versionInfo: { cliVersion: '2.10.1' },
  tables: tables.schemaType.tables,
  reducers: reducers(reducerSchema('add_note', { text: t.string() })).reducersType.reducers,
  ...procedures(procedureSchema('count_notes', {}, t.u64())),
};

class Connection extends DbConnectionImpl {}

/** Connects and resolves with the connection, its identity and its token. */
function connect(configure) {
  return new Promise((resolve, reject) => {
    const builder = new DbConnectionBuilder(remoteModule, (config) => new Connection(config))
      .withUri(uri)
      .withDatabaseName('spaces')
      .onConnect((connection, identity, token) => resolve({ connection, identity, token }))
      .onConnectError((_, error) => reject(error));
    configure(builder).build();
  });
}

function subscribe(connection, query) {
  return new Promise((resolve, reject) => {
    connection
      .subscriptionBuilder()
      .onApplied(resolve)
      .onError((context) => reject(context.event))
      .subscribe([query]);
  });
}

// Anonymous: the hub makes an identity and gives the token for it.
const first = await connect((builder) => builder.withCompression('none'));
assert.match(first.identity.toHexString(), /^c200[0-9a-f]{60}$/);
await subscribe(first.connection, 'SELECT * FROM note');
assert.equal([...first.connection.db.note.iter()].length, 0);

const inserted = new Promise((resolve) => {
  first.connection.db.note.onInsert((_, row) => resolve(row));
});

// The same identity again by its token, with compression and confirmed reads.
const second = await connect((builder) =>
  builder.withToken(first.token).withCompression('gzip').withConfirmedReads(true)
);
assert.equal(second.identity.toHexString(), first.identity.toHexString());
const text = 'from TypeScript '.repeat(500);
await second.connection.reducers.addNote({ text });
const row = await inserted;
assert.equal(row.text, text);

// More than the size from which messages are compressed.
await subscribe(second.connection, 'SELECT * FROM note');
assert.deepEqual([...second.connection.db.note.iter()].map((note) => note.text), [text]);

await assert.rejects(second.connection.reducers.addNote({ text: '' }), /a note needs a text/);
assert.equal(await second.connection.procedures.countNotes({}), 1n);
await assert.rejects(subscribe(second.connection, 'SELECT * FROM secret'));

// The owner's token is accepted as well.
const owner = await connect((builder) => builder.withToken(token));
assert.notEqual(owner.identity.toHexString(), first.identity.toHexString());

for (const { connection } of [first, second, owner]) connection.disconnect();
clearTimeout(deadline);
console.log(JSON.stringify({ identity: first.identity.toHexString(), note: Number(row.id) }));
process.exit(0);
