// Huawei Cloud's SDK for Node.js against a running daemon: IAM by its own client; KMS, which the package index has no
// client for, by the SDK's core, which signs and sends as the clients generated on top of it do.

"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const fs = require("node:fs");
const https = require("node:https");
const { createRequire } = require("node:module");
const path = require("node:path");

const { AK, SK, PROJECT_ID, DOMAIN_ID, KMS_ENDPOINT, CA_FILE, NODE_SDKS } = process.env;
const sdk = createRequire(path.join(NODE_SDKS, "package.json"));
const core = sdk("@huaweicloud/huaweicloud-sdk-core");
const { ClientBuilder } = sdk("@huaweicloud/huaweicloud-sdk-core/ClientBuilder");
const iam = sdk("@huaweicloud/huaweicloud-sdk-iam/v3/public-api");

// Without it, this SDK takes any certificate.
const options = { axiosRequestConfig: { httpsAgent: new https.Agent({ ca: fs.readFileSync(CA_FILE) }) } };

const account = new core.GlobalCredentials().withAk(AK).withSk(SK).withDomainId(DOMAIN_ID);
const users = iam.IamClient.newBuilder()
    .withCredential(account)
    .withEndpoint(KMS_ENDPOINT)
    .withOptions(options)
    .build();

function kms(secret = SK) {
    const project = new core.BasicCredentials().withAk(AK).withSk(secret).withProjectId(PROJECT_ID);
    const client = new ClientBuilder((client) => client, "BasicCredentials")
        .withCredential(project)
        .withEndpoint(KMS_ENDPOINT)
        .withOptions(options)
        .build();
    return (operation, data) =>
        client.sendRequest({
            method: "POST",
            url: `/v1.0/{project_id}/kms/${operation}`,
            contentType: "application/json",
            queryParams: {},
            pathParams: { project_id: PROJECT_ID },
            headers: {},
            data,
        });
}

async function refused(status, code, asked) {
    const error = await asked.then(
        (answer) => assert.fail(`expected ${status} ${code}, and it was done: ${JSON.stringify(answer)}`),
        (error) => error,
    );
    assert.equal(error.httpStatusCode, status, error);
    assert.equal(error.errorCode, code, error);
    assert.equal(error.requestId.length, 32, error);
}

async function main() {
    const domains = await users.keystoneListAuthDomains(new iam.KeystoneListAuthDomainsRequest());
    assert.deepEqual(domains.domains.map((domain) => domain.id), [DOMAIN_ID]);

    // What is beyond ASCII is signed and read alike.
    const [name, about] = ["node", "made by Node.js: nóra, 张"];
    const create = (name) => {
        const wanted = new iam.KeystoneCreateUserOption(name).withDescription(about);
        const body = new iam.KeystoneCreateUserRequestBody(wanted);
        return users.keystoneCreateUser(new iam.KeystoneCreateUserRequest().withBody(body));
    };
    await refused(400, 400, create(""));
    const { user } = await create(name);
    assert.deepEqual([user.name, user.description, user.domain_id], [name, about, DOMAIN_ID]);
    const found = await users.keystoneListUsers(new iam.KeystoneListUsersRequest().withName(name));
    assert.deepEqual(found.users.map((user) => user.id), [user.id]);
    const gone = await users.keystoneDeleteUser(new iam.KeystoneDeleteUserRequest(user.id));
    assert.equal(gone.httpStatusCode, 204);

    const ask = kms();
    const { key_info: key } = await ask("create-key", { key_alias: "node", key_description: about });
    assert.match(key.key_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const text = "what Node.js keeps: žluťoučký kůň";
    const sealed = await ask("encrypt-data", { key_id: key.key_id, plain_text: text });
    const opened = await ask("decrypt-data", { cipher_text: sealed.cipher_text });
    assert.equal(opened.plain_text, text);
    assert.equal(opened.key_id, key.key_id);

    // What KMS signs, Node's own OpenSSL verifies.
    const { key_info: signer } = await ask("create-key", { key_alias: "signer", key_spec: "EC_P256" });
    const digest = crypto.createHash("sha256").update(text).digest("base64");
    const algorithm = "ECDSA_SHA_256";
    const asked = { key_id: signer.key_id, message: digest, message_type: "DIGEST", signing_algorithm: algorithm };
    const { signature } = await ask("sign", asked);
    const { public_key: pem } = await ask("get-publickey", { key_id: signer.key_id });
    const verify = (message) =>
        crypto.createVerify("sha256").update(message).verify(pem, Buffer.from(signature, "base64"));
    assert.ok(verify(text));
    assert.ok(!verify(`${text}.`));

    // This SDK looks for the code in other places than where KMS has it, ours and the cloud's.
    await refused(404, undefined, ask("describe-key", { key_id: crypto.randomUUID() }));
    await refused(401, "APIGW.0301", kms("another")("list-keys", {}));
    console.log("services: ok");
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
