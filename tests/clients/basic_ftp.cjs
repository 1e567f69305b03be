// The scenario of walks.py with basic-ftp, which is installed in the folder of the first argument.
"use strict"

const fs = require("node:fs")
const { createRequire } = require("node:module")

const [folder, host, port, user, password, tls, , authority] = process.argv.slice(2)
const { Client } = createRequire(`${folder}/`)("basic-ftp")

async function walk(client) {
    await client.access({
        host,
        port: Number(port),
        user,
        password,
        secure: { none: false, explicit: true, implicit: "implicit" }[tls],
        secureOptions: { ca: fs.readFileSync(authority) },
    })

    const listing = Object.fromEntries(
        (await client.list("/tree")).map((entry) => [entry.name, entry.isDirectory ? null : entry.size])
    )
    const size = await client.size("/big.bin")
    const modified = (await client.lastMod("/big.bin")).getTime() / 1000
    const missing = await client.downloadTo(fs.createWriteStream("/dev/null"), "/missing.bin").catch((error) => error.code)

    await client.ensureDir('/a "quoted" one')
    const directory = (await client.pwd()).replaceAll(`""`, `"`) // basic-ftp does not undo the doubling of quotes (RFC 959)
    await client.cd("/")

    await client.uploadFrom("big.bin", "/sent.bin")
    await client.downloadTo("got.bin", "/big.bin")
    await client.downloadTo("part.bin", "/big.bin", fs.statSync("part.bin").size)
    await client.appendFrom("big.bin", "/part.bin", { localStart: await client.size("/part.bin") })

    await client.rename("/old.txt", "/new.txt")
    await client.remove("/gone.txt")
    await client.send("MKD /unmade")
    await client.removeDir("/unmade")

    await client.downloadToDir("down", "/tree")
    await client.uploadFromDir("up", "/up")
    return { listing, size, modified, missing, directory }
}

const client = new Client(10_000)
walk(client)
    .then((report) => console.log(JSON.stringify(report)))
    .finally(() => client.close())
