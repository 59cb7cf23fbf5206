/* The few declarations of PKCS#11 2.40 that the test programs need, and how they load the module. */
#ifndef MODULE_H
#define MODULE_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;
typedef struct { word type; void *value; word length; } attribute;
typedef struct { word type; void *parameter; word length; } mechanism;
typedef struct { word slot, state, flags, error; } session_info;
typedef struct { void *create, *destroy, *lock, *unlock; word flags; void *reserved; } initialize_args;

enum {
    CKR_OK = 0,
    CKR_SESSION_HANDLE_INVALID = 0xb3,
    CKR_CRYPTOKI_NOT_INITIALIZED = 0x190,
    CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191,
    CKF_OS_LOCKING_OK = 2,
    CKF_SERIAL_RW = 6,
    CKS_RW_USER_FUNCTIONS = 3,
    CKU_USER = 1,
    CKM_SHA256 = 0x250,
    CKM_AES_KEY_GEN = 0x1080,
    CKM_AES_ECB = 0x1081,
    CKA_ENCRYPT = 0x104,
    CKA_VALUE_LEN = 0x161,
};

static word (*C_Initialize)(void *);
static word (*C_Finalize)(void *);
static word (*C_GetInfo)(void *);
static word (*C_GetSlotList)(unsigned char, word *, word *);
static word (*C_GetTokenInfo)(word, void *);
static word (*C_OpenSession)(word, word, void *, void *, word *);
static word (*C_CloseSession)(word);
static word (*C_GetSessionInfo)(word, session_info *);
static word (*C_Login)(word, word, const char *, word);
static word (*C_GenerateRandom)(word, void *, word);
static word (*C_GenerateKey)(word, mechanism *, attribute *, word, word *);
static word (*C_EncryptInit)(word, mechanism *, word);
static word (*C_Encrypt)(word, void *, word, void *, word *);

/* Ends the program unless `found` is `wanted`. A child's end is its parent's failure. */
#define EXPECT(found, wanted)                                                                         \
    do {                                                                                              \
        word found_ = (word)(found), wanted_ = (word)(wanted);                                        \
        if (found_ != wanted_) {                                                                      \
            fprintf(stderr, "%s:%d: %s is %#lx, not %#lx\n", __FILE__, __LINE__, #found, found_, wanted_); \
            _exit(9);                                                                                 \
        }                                                                                             \
    } while (0)

#define OK(call) EXPECT(call, CKR_OK)

static inline void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "%s is not exported\n", name);
        _exit(9);
    }
    return found;
}

/* Loads $P11_MODULE. */
static inline void *load_module(void)
{
    void *library = dlopen(getenv("P11_MODULE"), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(9);
    }
#define LOAD(name) *(void **)&name = symbol(library, #name)
    LOAD(C_Initialize);
    LOAD(C_Finalize);
    LOAD(C_GetInfo);
    LOAD(C_GetSlotList);
    LOAD(C_GetTokenInfo);
    LOAD(C_OpenSession);
    LOAD(C_CloseSession);
    LOAD(C_GetSessionInfo);
    LOAD(C_Login);
    LOAD(C_GenerateRandom);
    LOAD(C_GenerateKey);
    LOAD(C_EncryptInit);
    LOAD(C_Encrypt);
#undef LOAD
    return library;
}

static inline word initialize(void)
{
    initialize_args args = { .flags = CKF_OS_LOCKING_OK };
    return C_Initialize(&args);
}

/* The slot of the token labelled $P11_LABEL. */
static inline word find_slot(void)
{
    word slots[64], count = 64;
    const char *label = getenv("P11_LABEL");
    OK(C_GetSlotList(1, slots, &count));
    for (word i = 0; i < count; i++) {
        char info[512] = { 0 }; /* CK_TOKEN_INFO starts with the label, 32 octets padded with spaces */
        OK(C_GetTokenInfo(slots[i], info));
        if (!strncmp(info, label, strlen(label)) && (strlen(label) == 32 || info[strlen(label)] == ' '))
            return slots[i];
    }
    fprintf(stderr, "no token is labelled %s\n", label);
    _exit(9);
}

static inline word open_session(void)
{
    word session = 0;
    OK(C_OpenSession(find_slot(), CKF_SERIAL_RW, NULL, NULL, &session));
    return session;
}

static inline void log_in(word session)
{
    const char *pin = getenv("P11_PIN");
    OK(C_Login(session, CKU_USER, pin, strlen(pin)));
}

static inline word make_key(word session)
{
    word key = 0, length = 32;
    unsigned char yes = 1;
    mechanism by = { CKM_AES_KEY_GEN, NULL, 0 };
    attribute template[] = { { CKA_VALUE_LEN, &length, sizeof length }, { CKA_ENCRYPT, &yes, 1 } };
    OK(C_GenerateKey(session, &by, template, 2, &key));
    return key;
}

/* Encrypts sixteen zeros; `out` holds sixteen. */
static inline void encrypt(word session, word key, unsigned char *out)
{
    unsigned char zeros[16] = { 0 };
    word length = 16;
    mechanism by = { CKM_AES_ECB, NULL, 0 };
    OK(C_EncryptInit(session, &by, key));
    OK(C_Encrypt(session, zeros, 16, out, &length));
    EXPECT(length, 16);
}

#endif
