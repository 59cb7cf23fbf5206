/* Loads the module, uses it and unloads it, a thousand times; nothing may be left behind. */
#include <dirent.h>

#include "module.h"

static int entries(const char *path)
{
    int count = 0;
    DIR *directory = opendir(path);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int mappings(void)
{
    int count = 0, c;
    FILE *file = fopen("/proc/self/maps", "r");
    while ((c = fgetc(file)) != EOF)
        count += c == '\n';
    fclose(file);
    return count;
}

static int is_mapped(const char *name)
{
    char line[4096];
    int found = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, file))
        found |= strstr(line, name) != NULL;
    fclose(file);
    return found;
}

/* One round; `finalize` says whether the module is told before it goes. */
static void once(int finalize)
{
    unsigned char sealed[16];
    void *library = load_module();
    OK(initialize());
    word session = open_session();
    log_in(session);
    encrypt(session, make_key(session), sealed);
    if (finalize)
        OK(C_Finalize(NULL));
    EXPECT(dlclose(library), 0);
}

int main(int count, char **arguments)
{
    int finalize = count < 2 || strcmp(arguments[1], "abruptly");
    int rounds = finalize ? 1000 : 50;
    for (int i = 0; i < 20; i++) /* what libc and the loader keep, they keep after a few rounds */
        once(finalize);
    int threads = entries("/proc/self/task"), files = entries("/proc/self/fd"), maps = mappings();
    long before = resident_kib();
    for (int i = 0; i < rounds; i++)
        once(finalize);
    printf("threads %d, files %d, mappings %d to %d, resident %ld to %ld KiB\n", threads, files, maps, mappings(),
        before, resident_kib());
    EXPECT(entries("/proc/self/task"), threads);
    if (finalize) {
        EXPECT(entries("/proc/self/fd"), files);
        EXPECT(mappings() <= maps + 8, 1);
        EXPECT(resident_kib() - before < 2048, 1);
        EXPECT(is_mapped(getenv("P11_MODULE")), 0);
    }
    puts("passed");
    return 0;
}
