/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What rust-nvme sees of the kernel's C: bindgen reads this file, shim.c holds
 * the inline functions that Rust cannot call.
 */
#ifndef RUST_NVME_SHIM_H
#define RUST_NVME_SHIM_H

#include <linux/blk-integrity.h>
#include <linux/blk-mq-dma.h>
#include <linux/blk-mq.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/interrupt.h>
#include <linux/mempool.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/sysfs.h>

#include "nvme.h"

#ifdef __BINDGEN__
/* Macros with a cast in them, which bindgen does not evaluate. */
const blk_status_t RNVME_BLK_STS_OK = BLK_STS_OK;
const blk_status_t RNVME_BLK_STS_RESOURCE = BLK_STS_RESOURCE;
const blk_status_t RNVME_BLK_STS_IOERR = BLK_STS_IOERR;
const u32 RNVME_REQ_FUA = (__force u32)REQ_FUA;
const u32 RNVME_REQ_RAHEAD = (__force u32)REQ_RAHEAD;
const u32 RNVME_REQ_LIMITED_RETRY = (__force u32)(REQ_FAILFAST_DEV | REQ_RAHEAD);
const u32 RNVME_REQ_ATOMIC = (__force u32)REQ_ATOMIC;
const u32 RNVME_RQF_DONTPREP = (__force u32)RQF_DONTPREP;
const u32 RNVME_REQ_NVME_MPATH = (__force u32)REQ_NVME_MPATH;
const u32 RNVME_REQ_INTEGRITY = (__force u32)REQ_INTEGRITY;
const u32 RNVME_RQF_SPECIAL_PAYLOAD = (__force u32)RQF_SPECIAL_PAYLOAD;
const u32 RNVME_RQF_SCHED_TAGS = (__force u32)RQF_SCHED_TAGS;
const u32 RNVME_RQF_TIMED = (__force u32)(RQF_IO_STAT | RQF_STATS | RQF_USE_SCHED);
const u32 RNVME_GFP_KERNEL = (__force u32)GFP_KERNEL;
const u32 RNVME_GFP_ATOMIC = (__force u32)GFP_ATOMIC;
const u32 RNVME_BLK_MQ_REQ_NOWAIT = (__force u32)BLK_MQ_REQ_NOWAIT;
const pci_channel_state_t RNVME_CHANNEL_NORMAL = pci_channel_io_normal;
const pci_channel_state_t RNVME_CHANNEL_FROZEN = pci_channel_io_frozen;
#endif

/* The module's parameters; params.c holds them. */
struct rnvme_parameters {
	unsigned int io_queue_depth;
	unsigned int write_queues;
	unsigned int poll_queues;
	unsigned int sgl_threshold;
	unsigned int max_host_mem_size_mb;
	bool core_commands;
};
extern struct rnvme_parameters rnvme_parameters;

void rnvme_init_work(struct work_struct *work, work_func_t function);
void rnvme_init_completion(struct completion *done);
void rnvme_complete(struct completion *done);
unsigned long rnvme_wait_for_completion(struct completion *done, unsigned long jiffies);

u64 rnvme_map_first(struct request *rq, struct device *dev, u32 *len);
u64 rnvme_map_integrity_first(struct request *rq, struct device *dev, u32 *len);
bool rnvme_map_integrity_start(struct request *rq, struct device *dev,
			       struct dma_iova_state *state, struct blk_dma_iter *iter);
bool rnvme_unmap_whole(struct request *rq, struct device *dev, struct dma_iova_state *state,
		       size_t len, enum pci_p2pdma_map_type map);
bool rnvme_coalesced(struct dma_iova_state *state);
bool rnvme_need_unmap(struct device *dev);
bool rnvme_page_gaps(struct request *rq);
bool rnvme_fake_timeout(struct request *rq);

void rnvme_warn_completion(struct nvme_ctrl *ctrl, u16 qid, u16 command_id);

mempool_t *rnvme_create_vec_pool(size_t size, int node);
int rnvme_request_mem_regions(struct pci_dev *pdev);
void rnvme_release_mem_regions(struct pci_dev *pdev);
u64 rnvme_bar_len(struct pci_dev *pdev);
void __iomem *rnvme_map_bar(struct pci_dev *pdev, unsigned long len);
bool rnvme_channel_offline(struct pci_dev *pdev);
bool rnvme_disconnected(struct pci_dev *pdev);
bool rnvme_enabled(struct pci_dev *pdev);
bool rnvme_suspend_retains_context(struct pci_dev *pdev);
void rnvme_set_dma_limits(struct pci_dev *pdev, unsigned int bits);
int rnvme_node(struct device *dev);
const char *rnvme_opcode_name(u16 qid, u8 opcode);
int rnvme_print_address(struct device *dev, char *buffer, int size);
void rnvme_print_device_info(struct nvme_ctrl *ctrl, u16 vendor, u16 device);
bool rnvme_queue_dying(struct request_queue *q);

#endif
