// SPDX-License-Identifier: GPL-2.0
/*
 * The module's parameters: names, ranges and permissions are those of the C
 * driver nvme. In C because the kernel's module! macro has no parameter that
 * sysfs shows or changes.
 */
#include <linux/blk-mq.h>
#include <linux/module.h>

#include "shim.h"

struct rnvme_parameters rnvme_parameters = {
	.io_queue_depth = 1024,
	.sgl_threshold = SZ_32K,
	.max_host_mem_size_mb = 128,
};

static int set_depth(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, 2, 4095);
}

static const struct kernel_param_ops depth_ops = {
	.set = set_depth,
	.get = param_get_uint,
};

module_param_cb(io_queue_depth, &depth_ops, &rnvme_parameters.io_queue_depth, 0644);
MODULE_PARM_DESC(io_queue_depth, "Entries of an I/O queue, 2 to 4095; read at reset");

static int set_queues(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, 0, blk_mq_num_possible_queues(0));
}

static const struct kernel_param_ops queues_ops = {
	.set = set_queues,
	.get = param_get_uint,
};

module_param_cb(write_queues, &queues_ops, &rnvme_parameters.write_queues, 0644);
MODULE_PARM_DESC(write_queues, "Queues for writes; 0: reads and writes share theirs; read at reset");

module_param_cb(poll_queues, &queues_ops, &rnvme_parameters.poll_queues, 0644);
MODULE_PARM_DESC(poll_queues, "Queues for polled requests; read at reset");

module_param_named(sgl_threshold, rnvme_parameters.sgl_threshold, uint, 0644);
MODULE_PARM_DESC(sgl_threshold,
		 "Use SGLs from this average segment size in bytes on; 0: only where PRPs cannot");

module_param_named(core_commands, rnvme_parameters.core_commands, bool, 0644);
MODULE_PARM_DESC(core_commands,
		 "Let the NVMe core build and end plain reads and writes too, for its tracepoints");

module_param_named(max_host_mem_size_mb, rnvme_parameters.max_host_mem_size_mb, uint, 0444);
MODULE_PARM_DESC(max_host_mem_size_mb, "Most MiB of host memory that a controller may borrow");
