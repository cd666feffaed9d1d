// A server for fluentd's forward protocol, by the makers of fluentd: writes each event that it takes as a line of JSON to a file.
//   node fluentd-server.js FILE      prints its port
const fs = require("fs");
const { createRequire } = require("module");
const { FluentServer } = createRequire(process.cwd() + "/")("@fluent-org/logger");

const file = fs.openSync(process.argv[2], "a");
const server = new FluentServer({ listenOptions: { port: 0, host: "127.0.0.1" } });
server.on("entry", (tag, time, record) => {
    const seconds = typeof time === "number" ? time : time.epoch;
    fs.writeSync(file, JSON.stringify({ tag, seconds, record }) + "\n");
});
server.listen().then(() => console.log(server.port));
