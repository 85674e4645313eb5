import { BinaryReader } from '@bufbuild/protobuf/wire';

/** Rejects what is not UTF-8, and keeps a leading U+FEFF: it is part of the text. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A reader for generated decoders that throws on invalid UTF-8. The default one turns it into U+FFFD, which would make
 * one lock of two different names.
 */
export function strictReader(bytes: Uint8Array): BinaryReader {
  return new BinaryReader(bytes, (text) => utf8.decode(text));
}
