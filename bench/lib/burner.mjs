// @ts-check
// Uses its core for as many seconds as its argument says, and does nothing with it.
const until = Date.now() + Number(process.argv[2] ?? 1) * 1000
while (Date.now() < until);
