// Package wire is the binary envelope in which CasCache stores its entries: a
// value, or the statement that there is none, next to the generation under
// which it was loaded, and in version 3 next to the generations of everything else
// that it was made from.
//
// # Guarantee
//
// A decoder either returns exactly what an encoder was given, or an error that
// wraps [ErrCorrupt]; no input makes it panic. Every entry has one encoding, and
// only that one is accepted: no trailing byte, no other order of bulk members,
// no duplicate, no other version. What a decoder allocates is bounded by the
// length of its input, whatever the lengths inside claim. It allocates nothing when it
// fails, except that a bulk of version 3 may be refused only after its dependencies
// were taken in.
//
// Versions 1 and 3 accept what is well formed, so damage to a payload or a generation
// passes. Version 2, and version 3 with a checksum, do not even believe a length
// before the checksum of the whole entry has matched: a flipped bit is always found,
// and of damage at random one case in 2^32 passes. They also refuse an entry of any
// key but the one that was asked for. A checksum is no signature: whoever can write entries can write valid
// ones.
//
// The package judges form, not meaning. A generation of 0, an empty key, a load time
// in the future and a bulk without members pass through; the caller decides what they
// are worth.
//
// # Layout
//
// Integers are big-endian. The magic is "CASC". Version 1 is 0x01:
//
//	single   magic(4) ver(1) kind=0x01 gen(u64) vlen(u32) payload(vlen)
//	bulk     magic(4) ver(1) kind=0x02 n(u32), then n times:
//	         keyLen(u16) key gen(u64) vlen(u32) payload(vlen)
//	absent   magic(4) ver(1) kind=0x03 gen(u64)
//
// The members of a bulk are in strictly ascending byte order of their keys.
//
// Version 2 is 0x02. It has the same three bodies, between the key that the entry
// is stored under and a CRC-32C (Castagnoli) of everything before it:
//
//	magic(4) ver(1) kind(1) keyLen(u16) key … crc(u32)
//
// Version 3 is 0x03. It has bodies of its own, which also carry when the value was
// loaded, in Unix milliseconds or 0, and its dependencies:
//
//	magic(4) ver(1) kind(1) flags(1) …
//	magic(4) ver(1) kind(1) flags(1) keyLen(u16) key … crc(u32)
//
//	single   gen(u64) loaded(u64) deps vlen(u32) payload(vlen)
//	absent   gen(u64) loaded(u64) deps
//	deps     n(u16), at most 256, then n times: keyLen(u16) key gen(u64)
//	bulk     d(u32), then d times: keyLen(u16) key gen(u64)
//	         n(u32), then n times: keyLen(u16) key gen(u64) loaded(u64)
//	         m(u16), at most 256, then m times: index(u32), then
//	         vlen(u32) payload(vlen)
//
// The flags are 0x01 with a key and a checksum, as in version 2, and 0x00 without.
// Dependencies of an entry are in strictly ascending byte order of their keys. A bulk
// begins with a table of the dependencies of all members, each once, in strictly
// ascending order of key and then generation. Its members refer to them by indices in
// strictly ascending order, no member to two of the same key, and every dependency in
// the table belongs to a member.
//
// The methods of a [Version] write and read that version and take the key, of which
// versions without a checksum take no notice. The functions are those of version 1.
// [Version.Append], [Version.Decode], [Version.AppendMembers] and
// [Version.DecodeMembers] are for all versions; the others return no dependencies, and
// refuse version 3.
//
// # Encoding
//
// Encode… returns a new frame. Append… extends a slice the caller owns, and returns
// it unchanged when it fails. Sizes that do not fit their field are [ErrTooLarge],
// never cut off.
//
// # Ownership
//
// Decoders do not copy payloads: they alias the input and live as long as it
// does. Whoever modifies the input modifies them. They are clipped to their own
// length, so an append to one never reaches its neighbour. The keys of bulk members
// are copies; those of dependencies are strings that alias the input, which nobody may
// modify from then on. Encoders copy payloads and keep nothing.
//
// All functions may be called concurrently as long as nobody writes to their
// arguments.
package wire
