// Package aeadcodec encrypts and authenticates what another codec makes, with
// XAES-256-GCM (https://c2sp.org/XAES-256-GCM) on top of the standard library.
//
// Whoever reads the storage learns the length of a payload and the id of its
// key; whoever writes to it makes a payload that nobody accepts. A wrong key
// and a changed byte are decode errors, so the cache drops the entry and reads
// the source. One key may seal 2^80 payloads, more than any cache makes.
//
//	key, err := aeadcodec.NewKey(1, secret) // 32 random bytes
//	if err != nil {
//		return err
//	}
//	codec, err := aeadcodec.New(cborcodec.CBOR[User]{}, aeadcodec.Config{
//		Keys:  []aeadcodec.Key{key},
//		Scope: "user",
//	})
//
// # Rotation
//
// Every payload names the key that sealed it, and all keys of a [Config] open.
// So a key is replaced without a flush, in three steps, each of them on every
// replica before the next: add the new key to Keys; set Seal to its id; and
// once the longest TTL has passed, take the old key out. What is still sealed
// with it then is a miss.
//
// # What is bound, and what is not
//
// A payload opens only under the key that it names, in the format that it names
// and in the [Config.Scope] in which it was sealed. A codec sees neither the
// key of the entry nor its generation, so they are not bound: someone who can
// write to the storage can put the sealed payload of one entry, or an older one
// of the same entry, into the place of another in the same scope, with the
// generation that is current there, and it will be served. Options.Checksum
// does not prevent that, since a CRC is no authentication. Where it matters,
// put the entry's key into the value and compare it after Get, and keep
// untrusted writers from the storage.
//
// The length of a payload is not hidden. Where a codec that compresses lies
// beneath, it tells something about the text too: leave compression out where
// one value holds both a secret and text that an attacker chooses.
//
// # Keys and memory
//
// A secret is 32 bytes from a random source or a key management service, not a
// password. No error, and no form of printing a [Key], a [Config] or a [Codec],
// shows any of it. It stays in memory for as long as its Key does, as does what
// is decrypted until the garbage collector has taken it: nothing is
// overwritten, since Go moves and copies memory as it likes. A decrypted
// payload is given to the inner codec in memory that is not used again, so a
// codec whose values share memory with their input keeps to its documentation.
//
// The reasons for the construction are in docs/adr/0030 of the repository.
package aeadcodec
