// Java's SunPKCS11 as a client, with its default templates. The JDK's own providers check the results.
// Arguments: the provider's configuration, the PIN, the scenario.

import java.security.*;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.*;
import java.util.*;
import java.util.concurrent.*;
import javax.crypto.*;
import javax.crypto.spec.*;

public class Client {
    static Provider token;
    static KeyStore store;
    static final byte[] DATA = "the data that is signed, sealed and hashed".getBytes();

    public static void main(String[] arguments) throws Exception {
        token = Security.getProvider("SunPKCS11").configure(arguments[0]);
        // Behind the JDK's own, so that only what names it uses it.
        Security.addProvider(token);
        store = KeyStore.getInstance("PKCS11", token);
        store.load(null, arguments[1].toCharArray());
        switch (arguments[2]) {
            case "list" -> list();
            case "rsa" -> rsa();
            case "ec" -> ec();
            case "aes" -> aes();
            case "mac" -> mac();
            case "digest" -> digest();
            case "store" -> store();
            case "threads" -> threads();
            default -> throw new IllegalArgumentException(arguments[2]);
        }
        System.out.println(arguments[2] + " passed");
        // Without this, a provider's thread may hold the process for a while.
        System.exit(0);
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    /** What the provider offers, and what the store holds. */
    static void list() throws Exception {
        for (String wanted : List.of("Signature.SHA256withRSA", "Signature.SHA256withECDSA", "KeyGenerator.AES",
                "Cipher.AES/GCM/NoPadding", "Mac.HmacSHA256", "MessageDigest.SHA-256", "SecureRandom.PKCS11")) {
            String[] parts = wanted.split("\\.", 2);
            check(token.getService(parts[0], parts[1]) != null, wanted + " is offered");
        }
        for (String alias : Collections.list(store.aliases())) {
            System.out.println("alias " + alias + (store.isKeyEntry(alias) ? " key" : " certificate"));
        }
        byte[] one = new byte[32], two = new byte[32];
        SecureRandom random = SecureRandom.getInstance("PKCS11", token);
        random.nextBytes(one);
        random.nextBytes(two);
        check(!Arrays.equals(one, two), "random bytes differ");
    }

    static PublicKey known(PublicKey key) throws Exception {
        // The same key, as the JDK's own providers know it.
        return KeyFactory.getInstance(key.getAlgorithm(), key instanceof RSAPublicKey ? "SunRsaSign" : "SunEC")
                .generatePublic(new X509EncodedKeySpec(key.getEncoded()));
    }

    static void signature(String algorithm, KeyPair pair, AlgorithmParameterSpec parameters) throws Exception {
        Signature signer = of(algorithm, token, parameters);
        signer.initSign(pair.getPrivate());
        signer.update(DATA);
        byte[] signature = signer.sign();

        Provider others = Security.getProvider(pair.getPublic() instanceof RSAPublicKey ? "SunRsaSign" : "SunEC");
        Signature judge = of(algorithm, others, parameters);
        judge.initVerify(known(pair.getPublic()));
        judge.update(DATA);
        check(judge.verify(signature), algorithm + ": the JDK verifies what the token signed");

        for (byte[] data : new byte[][] {DATA, new byte[1]}) {
            Signature own = of(algorithm, token, parameters);
            own.initVerify(pair.getPublic());
            own.update(data);
            check(own.verify(signature) == (data == DATA), algorithm + ": the token verifies what is genuine only");
        }
    }

    static Signature of(String algorithm, Provider by, AlgorithmParameterSpec parameters) throws Exception {
        Signature signature = Signature.getInstance(algorithm, by);
        if (parameters != null) signature.setParameter(parameters);
        return signature;
    }

    static KeyPair pair(String algorithm, AlgorithmParameterSpec parameters) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, token);
        generator.initialize(parameters);
        return generator.generateKeyPair();
    }

    static void rsa() throws Exception {
        KeyPair pair = pair("RSA", new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4));
        for (String hash : List.of("SHA1", "SHA224", "SHA256", "SHA384", "SHA512"))
            signature(hash + "withRSA", pair, null);
        for (String hash : List.of("SHA-256", "SHA-384", "SHA-512")) {
            int salt = Integer.parseInt(hash.substring(4)) / 8;
            signature("RSASSA-PSS", pair, new PSSParameterSpec(hash, "MGF1", new MGF1ParameterSpec(hash), salt, 1));
        }
        Cipher seal = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        seal.init(Cipher.ENCRYPT_MODE, known(pair.getPublic()));
        byte[] sealed = seal.doFinal(DATA);
        Cipher open = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        open.init(Cipher.DECRYPT_MODE, pair.getPrivate());
        check(Arrays.equals(open.doFinal(sealed), DATA), "the token decrypts what the JDK encrypted");
    }

    static void ec() throws Exception {
        for (String curve : List.of("secp256r1", "secp384r1", "secp521r1")) {
            KeyPair pair = pair("EC", new ECGenParameterSpec(curve));
            for (String hash : List.of("SHA1", "SHA256", "SHA384", "SHA512"))
                for (int round = 0; round < 5; round++) signature(hash + "withECDSA", pair, null);
            // An agreement of the token with the JDK.
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "SunEC");
            generator.initialize(new ECGenParameterSpec(curve));
            KeyPair peer = generator.generateKeyPair();
            KeyAgreement ours = KeyAgreement.getInstance("ECDH", token), theirs = KeyAgreement.getInstance("ECDH", "SunEC");
            ours.init(pair.getPrivate());
            ours.doPhase(peer.getPublic(), true);
            theirs.init(peer.getPrivate());
            theirs.doPhase(known(pair.getPublic()), true);
            check(Arrays.equals(ours.generateSecret(), theirs.generateSecret()), curve + ": one secret");
        }
    }

    /** What one side encrypts the other decrypts, both ways round. */
    static void cipher(String transformation, SecretKey key, AlgorithmParameterSpec parameters, byte[] aad)
            throws Exception {
        byte[] plain = new byte[4096];
        Arrays.fill(plain, (byte) 0x5a);
        byte[][] results = new byte[2][];
        for (int way = 0; way < 2; way++) {
            Cipher seal = way == 0 ? Cipher.getInstance(transformation, token) : Cipher.getInstance(transformation, "SunJCE");
            Cipher open = way == 1 ? Cipher.getInstance(transformation, token) : Cipher.getInstance(transformation, "SunJCE");
            seal.init(Cipher.ENCRYPT_MODE, key, parameters);
            open.init(Cipher.DECRYPT_MODE, key, parameters);
            if (aad != null) {
                seal.updateAAD(aad);
                open.updateAAD(aad);
            }
            results[way] = seal.doFinal(plain);
            check(Arrays.equals(open.doFinal(results[way]), plain), transformation + ", way " + way);
        }
        check(Arrays.equals(results[0], results[1]), transformation + ": the same ciphertext");
    }

    static void aes() throws Exception {
        for (int bits : new int[] {128, 192, 256}) {
            byte[] value = new byte[bits / 8];
            Arrays.fill(value, (byte) bits);
            SecretKey known = new SecretKeySpec(value, "AES");
            cipher("AES/CBC/NoPadding", known, new IvParameterSpec(new byte[16]), null);
            cipher("AES/CBC/PKCS5Padding", known, new IvParameterSpec(new byte[16]), null);
            cipher("AES/CTR/NoPadding", known, new IvParameterSpec(new byte[16]), null);
            cipher("AES/ECB/NoPadding", known, null, null);
            cipher("AES/GCM/NoPadding", known, new GCMParameterSpec(128, new byte[12]), DATA);

            KeyGenerator generator = KeyGenerator.getInstance("AES", token);
            generator.init(bits);
            SecretKey made = generator.generateKey();
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding", token);
            cipher.init(Cipher.ENCRYPT_MODE, made, new GCMParameterSpec(128, new byte[12]));
            byte[] sealed = cipher.doFinal(DATA);
            cipher.init(Cipher.DECRYPT_MODE, made, new GCMParameterSpec(128, new byte[12]));
            check(Arrays.equals(cipher.doFinal(sealed), DATA), "a generated key opens what it sealed");
            sealed[3] ^= 1;
            cipher.init(Cipher.DECRYPT_MODE, made, new GCMParameterSpec(128, new byte[12]));
            try {
                cipher.doFinal(sealed);
                check(false, "a flipped bit is noticed");
            } catch (GeneralSecurityException | ProviderException noticed) {
                // As it should be.
            }
        }
    }

    static void mac() throws Exception {
        for (String algorithm : List.of("HmacSHA1", "HmacSHA224", "HmacSHA256", "HmacSHA384", "HmacSHA512")) {
            SecretKey key = new SecretKeySpec(new byte[64], algorithm);
            Mac ours = Mac.getInstance(algorithm, token), theirs = Mac.getInstance(algorithm, "SunJCE");
            ours.init(key);
            theirs.init(key);
            for (int part = 0; part < 3; part++) {
                ours.update(DATA);
                theirs.update(DATA);
            }
            check(Arrays.equals(ours.doFinal(), theirs.doFinal()), algorithm);
        }
    }

    static void digest() throws Exception {
        for (String algorithm : List.of("SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512")) {
            MessageDigest ours = MessageDigest.getInstance(algorithm, token);
            MessageDigest theirs = MessageDigest.getInstance(algorithm, "SUN");
            for (int size : new int[] {0, 1, 63, 64, 10_000}) {
                ours.update(new byte[size]);
                theirs.update(new byte[size]);
                ours.update(DATA);
                check(Arrays.equals(ours.digest(), theirs.digest(DATA)), algorithm + " of " + size);
            }
        }
    }

    /** Uses the key pair that keytool made, and keeps an AES key beside it. */
    static void store() throws Exception {
        PrivateKey key = (PrivateKey) store.getKey("made", null);
        X509Certificate certificate = (X509Certificate) store.getCertificate("made");
        certificate.verify(certificate.getPublicKey());
        signature("SHA256withRSA", new KeyPair(certificate.getPublicKey(), key), null);
        check(key.getEncoded() == null, "a private key does not show its value");

        KeyGenerator generator = KeyGenerator.getInstance("AES", token);
        generator.init(256);
        store.setKeyEntry("kept", generator.generateKey(), null, null);
        SecretKey kept = (SecretKey) store.getKey("kept", null);
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding", token);
        cipher.init(Cipher.ENCRYPT_MODE, kept, new IvParameterSpec(new byte[16]));
        byte[] sealed = cipher.doFinal(DATA);
        cipher.init(Cipher.DECRYPT_MODE, kept, new IvParameterSpec(new byte[16]));
        check(Arrays.equals(cipher.doFinal(sealed), DATA), "a kept key works");
        check(store.containsAlias("kept"), "it is in the store");
        store.deleteEntry("kept");
        check(!store.containsAlias("kept"), "and then no more");
    }

    static void threads() throws Exception {
        KeyPair pair = pair("EC", new ECGenParameterSpec("secp256r1"));
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<?>> futures = new ArrayList<>();
        for (int thread = 0; thread < 8; thread++)
            futures.add(pool.submit(() -> {
                for (int round = 0; round < 20; round++) signature("SHA256withECDSA", pair, null);
                return null;
            }));
        for (Future<?> future : futures) future.get();
        pool.shutdown();
    }
}
