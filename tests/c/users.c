/* A client of version 3.0: logs in by name with C_LoginUser, and tells what it may do. */
#include "module.h"

enum {
    CKA_CLASS = 0,
    CKA_TOKEN = 1,
    CKA_PRIVATE = 2,
    CKO_SECRET_KEY = 4,
};

typedef struct { const char *name; void *list; word flags; } interface;
/* CK_FUNCTION_LIST_3_0: a version, the 68 functions of 2.40, C_GetInterfaceList, C_GetInterface, C_LoginUser. */
typedef struct { unsigned char version[2]; void *functions[68]; void *more[2]; word (*C_LoginUser)(word, word, const char *, word, const char *, word); } list_3_0;

static const list_3_0 *version_3(void *library)
{
    unsigned char version[2] = { 3, 0 };
    interface *found = NULL;
    word (*C_GetInterface)(const char *, void *, interface **, word);
    *(void **)&C_GetInterface = symbol(library, "C_GetInterface");
    OK(C_GetInterface("PKCS 11", version, &found, 0));
    return found->list;
}

/* The first secret key on the token that is visible; none is 0. */
static word find_key(void *library, word session)
{
    word (*C_FindObjectsInit)(word, attribute *, word);
    word (*C_FindObjects)(word, word *, word, word *);
    word (*C_FindObjectsFinal)(word);
    word class = CKO_SECRET_KEY, key = 0, count = 0;
    attribute template[] = { { CKA_CLASS, &class, sizeof class } };
    *(void **)&C_FindObjectsInit = symbol(library, "C_FindObjectsInit");
    *(void **)&C_FindObjects = symbol(library, "C_FindObjects");
    *(void **)&C_FindObjectsFinal = symbol(library, "C_FindObjectsFinal");
    OK(C_FindObjectsInit(session, template, 1));
    OK(C_FindObjects(session, &key, 1, &count));
    OK(C_FindObjectsFinal(session));
    return count ? key : 0;
}

static word generate(word session, unsigned char token)
{
    word key = 0, length = 32;
    unsigned char yes = 1;
    mechanism by = { CKM_AES_KEY_GEN, NULL, 0 };
    attribute template[] = {
        { CKA_VALUE_LEN, &length, sizeof length },
        { CKA_ENCRYPT, &yes, 1 },
        { CKA_TOKEN, &token, 1 },
        { CKA_PRIVATE, &yes, 1 },
    };
    return C_GenerateKey(session, &by, template, 4, &key);
}

/* users TYPE NAME PIN: logs in, and prints the codes of a log-in, a key of the token, one of the session, a use of
   the first key found, and its destruction. An empty name calls C_Login. */
int main(int count, char **arguments)
{
    unsigned char sealed[16], data[16] = { 0 };
    word length = sizeof sealed;
    EXPECT(count, 4);
    void *library = load_module();
    word (*C_DestroyObject)(word, word);
    *(void **)&C_DestroyObject = symbol(library, "C_DestroyObject");
    OK(initialize());
    word session = open_session(), type = strtoul(arguments[1], NULL, 0);
    const char *name = arguments[2], *pin = arguments[3];
    word answer = *name ? version_3(library)->C_LoginUser(session, type, pin, strlen(pin), name, strlen(name))
                        : C_Login(session, type, pin, strlen(pin));
    printf("login %#lx\n", answer);
    if (answer)
        return 0;
    session_info info;
    OK(C_GetSessionInfo(session, &info));
    printf("state %lu\n", info.state);
    printf("generate token %#lx\n", generate(session, 1));
    word key = find_key(library, session);
    EXPECT(key != 0, 1);
    mechanism by = { CKM_AES_ECB, NULL, 0 };
    answer = C_EncryptInit(session, &by, key);
    if (!answer)
        answer = C_Encrypt(session, data, sizeof data, sealed, &length);
    printf("encrypt %#lx\n", answer);
    printf("generate session %#lx\n", generate(session, 0));
    printf("destroy %#lx\n", C_DestroyObject(session, key));
    OK(C_Finalize(NULL));
    return 0;
}
