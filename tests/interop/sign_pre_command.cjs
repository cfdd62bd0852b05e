// Signs a Pre-Command as the nodes do: without its null signature, over everything behind the
// first octet, with the originator's GBCS key out of the key store; 40 and r and s go behind it.
//
//   node sign_pre_command.cjs < pre_command.json
//
// In: {"eui": "90-B3-...", "payload": base64}. Out: the signed command in base64.
'use strict'
const { sign } = require('node:crypto')
const { BoxedKeyStore, KeyUsage } = require('@smartdcc/dccboxed-keystore')
const { input, output } = require('./json.cjs')

async function main() {
  const { eui, payload } = await input()
  const store = await BoxedKeyStore.new('127.0.0.1')
  try {
    const keys = await store.query({
      eui,
      keyUsage: KeyUsage.digitalSignature,
      lookup: 'privateKey',
      role: 2,
    })
    const { privateKey } = keys.find(({ name }) => name.startsWith('Z1-'))
    const preCommand = Buffer.from(payload, 'base64').subarray(0, -1)
    const signature = sign('sha256', preCommand.subarray(1), {
      key: privateKey,
      dsaEncoding: 'ieee-p1363',
    })
    output(Buffer.concat([preCommand, Buffer.from([0x40]), signature]).toString('base64'))
  } finally {
    await store.cleanup()
  }
}

main()
