// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust cannot call: inline functions and macros, and functions that the
 * kernel's bindings leave out. Here the C compiler checks their prototypes.
 */
#include <linux/fs.h>
#include <linux/percpu_counter.h>
#include <linux/shmem_fs.h>

struct file *ashmem_file_setup(const char *name, loff_t size);
void ashmem_truncate_range(struct file *file, loff_t start, loff_t end);
int ashmem_counter_init(struct percpu_counter *counter);

/*
 * A file of shared memory that can be written to through this one struct file
 * only: its inode refuses every other opening for writing, as a running
 * program's does. Not seen by security modules (S_PRIVATE): it is made under
 * mmap_lock, where they must not be asked (see __shmem_zero_setup()), and they
 * have been asked about the device.
 *
 * Pages count against the limit of committed memory when they come into being,
 * as memfd_create()'s do. To count the whole size at once, as the C driver did,
 * would have any user fill the log with refusals.
 */
struct file *ashmem_file_setup(const char *name, loff_t size)
{
	struct file *file = shmem_kernel_file_setup(name, size,
					mk_vma_flags(VMA_NORESERVE_BIT));

	if (!IS_ERR(file) && deny_write_access(file)) {
		fput(file);
		return ERR_PTR(-ETXTBSY);
	}
	return file;
}

/* Gives back the pages from start to end, without end; both page aligned. */
void ashmem_truncate_range(struct file *file, loff_t start, loff_t end)
{
	shmem_truncate_range(file_inode(file), start, end - 1);
}

int ashmem_counter_init(struct percpu_counter *counter)
{
	return percpu_counter_init(counter, 0, GFP_KERNEL);
}
