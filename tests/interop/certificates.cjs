// Looks certificates of devices up as the nodes do: BoxedKeyStore asks an SMKI service.
//
//   node certificates.cjs http://127.0.0.1:8083 < wanted.json
//
// In: a list of {"eui": "00-DB-...", "keyUsage": "digitalSignature" | "keyAgreement"}.
// Out: for each a list of certificates in PEM, or {"fault": "..."}.
'use strict'
const { BoxedKeyStore, KeyUsage } = require('@smartdcc/dccboxed-keystore')
const { input, output } = require('./json.cjs')

async function main() {
  const store = await BoxedKeyStore.new(process.argv[2])
  try {
    const results = []
    for (const { eui, keyUsage } of await input()) {
      results.push(
        await store
          .query({ eui, keyUsage: KeyUsage[keyUsage], lookup: 'certificate' })
          .then((found) => (found ?? []).map(({ certificate }) => certificate.toString()))
          .catch((fault) => ({ fault: String(fault) })),
      )
    }
    output(results)
  } finally {
    await store.cleanup()
  }
}

main()
