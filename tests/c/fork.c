/* What a module must keep to when a process forks. The argument names the scenario. */
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "module.h"

extern char **environ;

static void child_ends_well(pid_t child)
{
    int status = -1;
    EXPECT(waitpid(child, &status, 0), child);
    EXPECT(status, 0);
}

/* A session, logged in, with a key; and what that key makes of zeros. */
struct parent {
    word session, key;
    unsigned char sealed[16];
};

static struct parent begin(void)
{
    struct parent parent;
    OK(initialize());
    parent.session = open_session();
    log_in(parent.session);
    parent.key = make_key(parent.session);
    encrypt(parent.session, parent.key, parent.sealed);
    return parent;
}

/* The parent's session, login and key are as they were. */
static void still_works(struct parent *parent)
{
    session_info info;
    unsigned char sealed[16];
    OK(C_GetSessionInfo(parent->session, &info));
    EXPECT(info.state, CKS_RW_USER_FUNCTIONS);
    encrypt(parent->session, parent->key, sealed);
    EXPECT(memcmp(sealed, parent->sealed, 16), 0);
}

static void all_calls_say_not_initialised(word session)
{
    unsigned char buffer[512];
    word count = 0;
    session_info info;
    EXPECT(C_GetInfo(buffer), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(C_GetSlotList(1, NULL, &count), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(C_GetSessionInfo(session, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(C_GenerateRandom(session, buffer, 16), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(C_CloseSession(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* A child that initialises works at once, with nothing of its parent's. */
static void work_afresh(word old_session)
{
    session_info info;
    unsigned char sealed[16];
    OK(initialize());
    EXPECT(initialize(), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    if (old_session)
        EXPECT(C_GetSessionInfo(old_session, &info), CKR_SESSION_HANDLE_INVALID);
    word session = open_session();
    OK(C_GetSessionInfo(session, &info));
    EXPECT(info.state != CKS_RW_USER_FUNCTIONS, 1);
    log_in(session);
    word key = make_key(session);
    for (int i = 0; i < 20; i++)
        encrypt(session, key, sealed);
    OK(C_Finalize(NULL));
}

static void without_initialise(void)
{
    struct parent parent = begin();
    pid_t child = fork();
    if (child == 0) {
        all_calls_say_not_initialised(parent.session);
        exit(0); /* with its exit handlers */
    }
    child_ends_well(child);
    still_works(&parent);
    OK(C_Finalize(NULL));
}

static void with_initialise(void)
{
    struct parent parent = begin();
    pid_t child = fork();
    if (child == 0) {
        work_afresh(parent.session);
        exit(0);
    }
    for (int i = 0; i < 50; i++)
        still_works(&parent);
    child_ends_well(child);
    still_works(&parent);
    OK(C_Finalize(NULL));
}

static atomic_int stop;

static void *busy(void *unused)
{
    unsigned char buffer[32];
    word session = open_session();
    while (!atomic_load(&stop))
        OK(C_GenerateRandom(session, buffer, sizeof buffer));
    OK(C_CloseSession(session));
    return unused;
}

/* Forks while other threads are in the middle of calls, and may hold the module's locks. */
static void with_threads(void)
{
    pthread_t threads[4];
    struct parent parent = begin();
    for (int i = 0; i < 4; i++)
        EXPECT(pthread_create(&threads[i], NULL, busy, NULL), 0);
    for (int round = 0; round < 40; round++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60); /* a lock that stays held hangs the child */
            all_calls_say_not_initialised(parent.session);
            if (round % 4 == 0)
                work_afresh(0);
            exit(0);
        }
        child_ends_well(child);
        still_works(&parent);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 4; i++)
        EXPECT(pthread_join(threads[i], NULL), 0);
    OK(C_Finalize(NULL));
}

/* As Apache and nginx do: the master initialises, then forks its workers, who initialise again. */
static void prefork(void)
{
    struct parent parent = begin();
    pid_t workers[8];
    for (int i = 0; i < 8; i++) {
        workers[i] = fork();
        if (workers[i] == 0) {
            work_afresh(parent.session);
            /* A worker that forks in its turn. */
            OK(initialize());
            word session = open_session();
            pid_t helper = fork();
            if (helper == 0) {
                all_calls_say_not_initialised(session);
                work_afresh(0);
                exit(0);
            }
            child_ends_well(helper);
            session_info info;
            OK(C_GetSessionInfo(session, &info));
            OK(C_Finalize(NULL));
            exit(0);
        }
    }
    for (int i = 0; i < 8; i++)
        child_ends_well(workers[i]);
    still_works(&parent);
    OK(C_Finalize(NULL));
}

/* Programs that the process starts get none of the module's descriptors, and disturb nothing. */
static void exec(void)
{
    struct parent parent = begin();
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(8);
    }
    child_ends_well(child);
    still_works(&parent);
    char *arguments[] = { "sh", "-c", "! ls -l /proc/self/fd | grep -q socket:", NULL };
    EXPECT(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ), 0);
    child_ends_well(child);
    still_works(&parent);
    OK(C_Finalize(NULL));
}

/* The master ends its use before it forks, as the standard would like it. */
static void finalised_before(void)
{
    struct parent parent = begin();
    OK(C_Finalize(NULL));
    pid_t child = fork();
    if (child == 0) {
        all_calls_say_not_initialised(parent.session);
        work_afresh(parent.session);
        exit(0);
    }
    child_ends_well(child);
    work_afresh(parent.session);
}

int main(int count, char **arguments)
{
    static const struct { const char *name; void (*run)(void); } scenarios[] = {
        { "without_initialise", without_initialise },
        { "with_initialise", with_initialise },
        { "with_threads", with_threads },
        { "prefork", prefork },
        { "exec", exec },
        { "finalised_before", finalised_before },
    };
    load_module();
    for (size_t i = 0; count > 1 && i < sizeof scenarios / sizeof *scenarios; i++) {
        if (!strcmp(arguments[1], scenarios[i].name)) {
            scenarios[i].run();
            printf("%s passed\n", arguments[1]);
            return 0;
        }
    }
    return 2;
}
