// SPDX-License-Identifier: GPL-2.0
/*
 * The inline functions and macros of the kernel that Rust cannot call.
 *
 * On the path of a request stand rnvme_map_first() and, where a device's
 * mapping needs undoing, rnvme_unmap_whole(): one call each. Metadata has
 * rnvme_map_integrity_first() or, in several segments, rnvme_map_integrity_start().
 */
#include <linux/completion.h>
#include <linux/pci-p2pdma.h>
#include <linux/workqueue.h>

#include "shim.h"

void rnvme_init_work(struct work_struct *work, work_func_t function)
{
	INIT_WORK(work, function);
}

void rnvme_init_completion(struct completion *done)
{
	init_completion(done);
}

void rnvme_complete(struct completion *done)
{
	complete(done);
}

unsigned long rnvme_wait_for_completion(struct completion *done, unsigned long jiffies)
{
	return wait_for_completion_io_timeout(done, jiffies);
}

static u64 map_bvec(struct request *rq, struct device *dev, struct bio_vec *bv, u32 *len)
{
	dma_addr_t addr;

	/* Memory of another device takes the iterator's way; so does a failure. */
	if (is_pci_p2pdma_page(bv->bv_page))
		return U64_MAX;
	addr = dma_map_phys(dev, bvec_phys(bv), bv->bv_len, rq_dma_dir(rq), 0);
	if (unlikely(dma_mapping_error(dev, addr)))
		return U64_MAX;
	*len = bv->bv_len;
	return addr;
}

/* Maps a request that has one segment; U64_MAX where it did not. */
u64 rnvme_map_first(struct request *rq, struct device *dev, u32 *len)
{
	struct bio_vec bv = req_bvec(rq);

	return map_bvec(rq, dev, &bv, len);
}

/* Maps the first integrity segment of a request; U64_MAX where it did not. */
u64 rnvme_map_integrity_first(struct request *rq, struct device *dev, u32 *len)
{
	struct bio_vec bv = rq_integrity_vec(rq);

	return map_bvec(rq, dev, &bv, len);
}

#ifdef CONFIG_BLK_DEV_INTEGRITY
/*
 * As blk_rq_integrity_dma_map_iter_start(), but each segment is mapped by itself. Behind an IOMMU
 * Linux 7.3's gives all segments one range where the data's have no gaps; those of integrity, as
 * short as 8 bytes, have, and dma_iova_link() then warns and refuses.
 */
bool rnvme_map_integrity_start(struct request *rq, struct device *dev,
			       struct dma_iova_state *state, struct blk_dma_iter *iter)
{
	struct bio_integrity_payload *bip = bio_integrity(rq->bio);
	struct bio_vec bv = rq_integrity_vec(rq);

	/* What memory of another device takes, that function alone finds out; it is seldom cut. */
	if (is_pci_p2pdma_page(bv.bv_page))
		return blk_rq_integrity_dma_map_iter_start(rq, dev, state, iter);

	*state = (struct dma_iova_state) {};
	*iter = (struct blk_dma_iter) {
		.status = BLK_STS_OK,
		.p2pdma.map = PCI_P2PDMA_MAP_NONE,
		.iter = {
			.bio = rq->bio,
			.bvecs = bip->bip_vec,
			.iter = bip->bip_iter,
			.is_integrity = true,
		},
	};
	return blk_rq_integrity_dma_map_iter_next(rq, dev, iter);
}
#endif

/* Undoes a mapping that the iterator made; false where each segment needs it. */
bool rnvme_unmap_whole(struct request *rq, struct device *dev, struct dma_iova_state *state,
		       size_t len, enum pci_p2pdma_map_type map)
{
	return blk_rq_dma_unmap(rq, dev, state, len, map);
}

bool rnvme_coalesced(struct dma_iova_state *state)
{
	return blk_rq_dma_map_coalesce(state);
}

bool rnvme_need_unmap(struct device *dev)
{
	return dma_need_unmap(dev);
}

/* Whether segments meet inside a controller page, which PRPs cannot describe. */
bool rnvme_page_gaps(struct request *rq)
{
	return req_phys_gap_mask(rq) & (NVME_CTRL_PAGE_SIZE - 1);
}

bool rnvme_fake_timeout(struct request *rq)
{
	return blk_should_fake_timeout(rq->q);
}

void rnvme_warn_completion(struct nvme_ctrl *ctrl, u16 qid, u16 command_id)
{
	dev_warn_ratelimited(ctrl->device, "refused completion of command %#06x on queue %u\n",
			     command_id, qid);
}

mempool_t *rnvme_create_vec_pool(size_t size, int node)
{
	return mempool_create_node(1, mempool_kmalloc, mempool_kfree, (void *)size, GFP_KERNEL,
				   node);
}

int rnvme_request_mem_regions(struct pci_dev *pdev)
{
	return pci_request_mem_regions(pdev, "rust_nvme");
}

void rnvme_release_mem_regions(struct pci_dev *pdev)
{
	pci_release_mem_regions(pdev);
}

u64 rnvme_bar_len(struct pci_dev *pdev)
{
	return pci_resource_len(pdev, 0);
}

void __iomem *rnvme_map_bar(struct pci_dev *pdev, unsigned long len)
{
	return ioremap(pci_resource_start(pdev, 0), len);
}

bool rnvme_channel_offline(struct pci_dev *pdev)
{
	return pci_channel_offline(pdev);
}

bool rnvme_disconnected(struct pci_dev *pdev)
{
	return pci_dev_is_disconnected(pdev);
}

bool rnvme_enabled(struct pci_dev *pdev)
{
	return pci_is_enabled(pdev);
}

bool rnvme_suspend_retains_context(struct pci_dev *pdev)
{
	return pci_suspend_retains_context(pdev);
}

/* What the controller can address, and how blk-mq may cut requests for it. */
void rnvme_set_dma_limits(struct pci_dev *pdev, unsigned int bits)
{
	dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(bits));
	dma_set_min_align_mask(&pdev->dev, NVME_CTRL_PAGE_SIZE - 1);
	dma_set_max_seg_size(&pdev->dev, U32_MAX);
}

int rnvme_node(struct device *dev)
{
	return dev_to_node(dev);
}

const char *rnvme_opcode_name(u16 qid, u8 opcode)
{
	return qid ? nvme_get_opcode_str(opcode) : nvme_get_admin_opcode_str(opcode);
}

bool rnvme_queue_dying(struct request_queue *q)
{
	return blk_queue_dying(q);
}

int rnvme_print_address(struct device *dev, char *buffer, int size)
{
	return snprintf(buffer, size, "%s\n", dev_name(dev));
}

void rnvme_print_device_info(struct nvme_ctrl *ctrl, u16 vendor, u16 device)
{
	struct nvme_subsystem *subsys = ctrl->subsys;

	dev_err(ctrl->device, "VID:DID %04x:%04x model:%.*s firmware:%.*s\n", vendor, device,
		nvme_strlen(subsys->model, sizeof(subsys->model)), subsys->model,
		nvme_strlen(subsys->firmware_rev, sizeof(subsys->firmware_rev)),
		subsys->firmware_rev);
}
